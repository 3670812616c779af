// The views of results. They are loaded once one is near: most of the page is in them.
export { CutResult } from "./cut-result.js";
export { ImageResult } from "./image-result.js";
