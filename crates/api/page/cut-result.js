// A clip that is done: the viewer of the cut, the files, the warnings and the notes.
import { Client } from "./client.js";
import { Clip } from "./clip.js";
import { CodeSamples } from "./code-samples.js";
import { CutViewer } from "./cut-viewer.js";
import { button, h } from "./html.js";
import { REMEDIES } from "./remedies.js";
import { fileList, mainDownload, nothing, resultHead, worthALook } from "./result-parts.js";
import { explain, FORMATS, formatDate, formatDuration, formatTime, outputName } from "./texts.js";

const EXPIRED = "The files of this clip have expired. Add the clip again to cut it.";

/** `<cut-result>`: fires `change-options`, `remove`, `mend` with a warning as detail, and `stale` when a link has failed. */
export class CutResult extends HTMLElement {
  clip = new Clip();
  client = new Client("");
  /** Other attempts at the clip that are done. @type {import("./cut-viewer.js").Attempt[]} */
  attempts = [];

  connectedCallback() {
    const { job } = this.clip;
    const { result } = job ?? {};
    if (!job || !result) return;
    const line = about(job.completedAt, result);
    if (this.clip.isExpired) return this.replaceChildren(resultHead(this.clip, line), nothing(EXPIRED));
    const viewer = new CutViewer();
    Object.assign(viewer, { clip: this.clip, client: this.client, attempts: this.attempts });
    viewer.addEventListener("stale", () => this.dispatchEvent(new Event("stale")));
    const formatOf = (/** @type {import("./client.js").Output} */ { format }) =>
      FORMATS[/** @type {import("./texts.js").Format} */ (format)];
    const files = fileList(this.clip, this.client, formatOf);
    const nameOf = (/** @type {import("./client.js").Output} */ { format }) =>
      outputName(this.clip.name, /** @type {import("./texts.js").Format} */ (format));
    const head = resultHead(this.clip, line, mainDownload(this.clip, this.client, files, nameOf));
    const samples = new CodeSamples();
    samples.clip = this.clip;
    this.replaceChildren(
      head,
      h("div", { class: "viewer-row" }, viewer, ...this.#warnings(result, viewer)),
      ...notes(result),
      h("div", { class: "below" }, files, samples),
    );
  }

  /** Each warning leads to its place, and to the control that mends it. @param {import("./client.js").Result} result @param {CutViewer} viewer */
  #warnings(result, viewer) {
    if (!this.clip.hasWarnings) return [];
    const ofMatte = (result.report?.warnings ?? []).map((warning) => {
      const mend = () => this.dispatchEvent(new CustomEvent("mend", { detail: warning }));
      const remedy = REMEDIES[warning.code];
      return h(
        "li",
        {},
        h("p", {}, explain({ message: warning.message })),
        h(
          "span",
          { class: "row" },
          button(`Show it at ${formatTime(warning.from)}`, () => viewer.lookAt(warning)),
          remedy && this.clip.canBeCutAgain && button(remedy.label, mend),
        ),
      );
    });
    return [worthALook([...ofMatte, ...listed(result, true)])];
  }
}

/** What was decided about the clip, besides the warnings. @param {import("./client.js").Result} result */
function notes(result) {
  const items = listed(result, false);
  return items.length ? [h("ul", { class: "notes hint", "aria-label": "Notes" }, ...items)] : [];
}

/** @param {import("./client.js").Result} result @param {boolean} areWarnings */
const listed = (result, areWarnings) =>
  result.notes
    .filter(({ isWarning }) => isWarning === areWarnings)
    .map(({ message }) => h("li", {}, explain({ message })));

/** @param {number | null} completedAt @param {import("./client.js").Result} result */
function about(completedAt, { width, height, duration, fps, processingTimeMs, detectedBackgroundColor }) {
  const rate = Number.isInteger(fps) ? fps : fps.toFixed(2);
  const parts = [
    `${width} × ${height}`,
    `${duration.toFixed(1)} s at ${rate} frames a second`,
    `cut in ${formatDuration(processingTimeMs / 1000)}`,
    detectedBackgroundColor && `background ${detectedBackgroundColor.hex}`,
    completedAt && formatDate(completedAt),
  ];
  return parts.filter(Boolean).join(" · ");
}

customElements.define("cut-result", CutResult);
