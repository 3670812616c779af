// A clip that is done: the viewer of the cut, the files, the warnings and the notes.
import { Client } from "./client.js";
import { Clip } from "./clip.js";
import { CodeSamples } from "./code-samples.js";
import { CutViewer } from "./cut-viewer.js";
import { button, h } from "./html.js";
import { fileList, nothing, resultHead, worthALook } from "./result-parts.js";
import { explain, FORMATS, formatDate, formatDuration, formatTime } from "./texts.js";

const EXPIRED = "The files of this clip are kept no longer. Add the clip again to cut it anew.";

/** `<cut-result>`: fires `change-options`, `remove`, `look` with a warning as detail, and `stale` when a link has failed. */
export class CutResult extends HTMLElement {
  clip = new Clip();
  client = new Client("");

  connectedCallback() {
    const { job } = this.clip;
    const { result } = job ?? {};
    if (!job || !result) return;
    const head = resultHead(this, this.clip, about(job.completedAt, result));
    if (this.clip.isExpired) return this.replaceChildren(head, nothing(EXPIRED));
    const viewer = new CutViewer();
    viewer.clip = this.clip;
    viewer.addEventListener("stale", () => this.dispatchEvent(new Event("stale")));
    const formatOf = (/** @type {import("./client.js").Output} */ { format }) =>
      FORMATS[/** @type {import("./texts.js").Format} */ (format)];
    const files = fileList(this.clip, this.client, formatOf);
    const samples = new CodeSamples();
    samples.clip = this.clip;
    this.replaceChildren(
      head,
      ...this.#warnings(result),
      ...notes(result),
      viewer,
      h("div", { class: "below" }, files, samples),
    );
  }

  /** @param {import("./client.js").Result} result */
  #warnings(result) {
    if (!this.clip.hasWarnings) return [];
    const ofMatte = (result.report?.warnings ?? []).map((warning) => {
      const look = () => this.dispatchEvent(new CustomEvent("look", { detail: warning }));
      const { width, height } = warning.box;
      // A hint needs a point, and the clip to show it on.
      const isLocal = this.clip.file && (width < 1 || height < 1);
      return h(
        "li",
        {},
        explain({ message: warning.message }),
        " ",
        isLocal && button(`Look at ${formatTime(warning.from)}`, look, { class: "quiet" }),
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
