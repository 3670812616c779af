// Lets the browser save what the page has made.
import { h } from "./html.js";

/** @param {Blob} blob @param {string} name of the file */
export function save(blob, name) {
  const href = URL.createObjectURL(blob);
  h("a", { href, download: name }).click();
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
