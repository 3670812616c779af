// <clearcut-video> in the JSX of React 19, in TypeScript: import type {} from "clearcut-video/react";
import type { DetailedHTMLProps, VideoHTMLAttributes } from "react";
import type { ClearcutVideo } from "./clearcut-video.js";

/** Events are named as they are, as `onended`. */
type Listeners = { [name in `on${Lowercase<string>}`]?: (event: Event) => void };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "clearcut-video": DetailedHTMLProps<VideoHTMLAttributes<ClearcutVideo>, ClearcutVideo> & Listeners;
    }
  }
}
