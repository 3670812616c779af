// The view of an item in its state.
import { Clip } from "./clip.js";
import { CutOptions } from "./cut-options.js";
import { CutProgress } from "./cut-progress.js";
import { ImageOptions } from "./image-options.js";
import { ImageSet } from "./image-set.js";

/** The views of results, once they are loaded. @type {typeof import("./results.js") | null} */
let results = null;

/** Loads the views of results; a failure is tried again. */
export async function loadResults() {
  results ??= await import("./results.js");
}

/**
 * What shows `item`: its options, its progress, its failure or its result; null while the view of a result is not loaded.
 * @param {import("./item.js").Item} item @param {string} kind its state
 * @param {import("./desk.js").Desk} desk
 * @returns {HTMLElement | null}
 */
export function viewOf(item, kind, desk) {
  const { client } = desk;
  if (item instanceof Clip && kind === "draft") return Object.assign(new CutOptions(), { clip: item, client });
  if (item instanceof ImageSet && kind === "draft") return Object.assign(new ImageOptions(), { set: item, client });
  if (kind === "done" && !results) return null;
  if (results && item instanceof ImageSet && kind === "done")
    return Object.assign(new results.ImageResult(), { set: item, client });
  if (results && item instanceof Clip && kind === "done") {
    const attempts = desk
      .attemptsOf(item)
      .map((other, at) => ({ name: `attempt ${at + 1}`, clip: /** @type {Clip} */ (other) }))
      .filter(({ clip }) => clip !== item && clip.state === "done" && !clip.isExpired);
    return Object.assign(new results.CutResult(), { clip: item, client, attempts });
  }
  return Object.assign(new CutProgress(), { item });
}
