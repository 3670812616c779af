import { ClearcutVideo } from "./clearcut-video.js";

export { ClearcutVideo };

declare module "./clearcut-video.js" {
  /** With all that `<video>` has. */
  interface ClearcutVideo extends Omit<HTMLVideoElement, keyof HTMLElement> {}
}

declare global {
  interface HTMLElementTagNameMap {
    "clearcut-video": ClearcutVideo;
  }
}
