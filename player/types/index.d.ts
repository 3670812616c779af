import { ClearcutVideo } from "./clearcut-video.js";

export { ClearcutVideo };

declare global {
  interface HTMLElementTagNameMap {
    "clearcut-video": ClearcutVideo;
  }
}
