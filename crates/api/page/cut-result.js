// A clip that is done: the viewer of the cut, the files, the warnings and the notes.
import { ownAddress } from "./client.js";
import { Clip } from "./clip.js";
import { CodeSamples } from "./code-samples.js";
import { CutViewer } from "./cut-viewer.js";
import { button, h, icon } from "./html.js";
import { explain, FORMATS, formatBytes, formatDate, formatDuration, formatTime } from "./texts.js";

/** A little less than links do by default. */
const LINKS_LAST_MS = 55 * 60_000;

/** `<cut-result>`: fires `change-options`, `remove`, `look` with a warning as detail, and `stale` when its links have ended. */
export class CutResult extends HTMLElement {
  clip = new Clip();

  connectedCallback() {
    const { job } = this.clip;
    const { result } = job ?? {};
    if (!job || !result) return;
    if (this.clip.isExpired) return this.replaceChildren(this.#head(job.completedAt, result), expired());
    const viewer = new CutViewer();
    viewer.clip = this.clip;
    viewer.addEventListener("stale", () => this.dispatchEvent(new Event("stale")));
    const samples = new CodeSamples();
    samples.clip = this.clip;
    this.replaceChildren(
      this.#head(job.completedAt, result),
      ...this.#warnings(result),
      ...notes(result),
      viewer,
      h("div", { class: "below" }, this.#files(result), samples),
    );
  }

  /** @param {number | null} completedAt @param {import("./client.js").Result} result */
  #head(completedAt, result) {
    const tell = (/** @type {string} */ type) => () => this.dispatchEvent(new Event(type));
    return h(
      "header",
      { class: "row spread result-head" },
      h("div", {}, h("h2", {}, this.clip.name), h("p", { class: "hint" }, about(completedAt, result))),
      h(
        "div",
        { class: "row" },
        (this.clip.file || this.clip.address) && button("Other options", tell("change-options")),
        button("Remove", tell("remove"), { class: "quiet" }),
      ),
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
    return [
      h(
        "aside",
        { class: "warnings", role: "note" },
        icon("alert"),
        h("div", {}, h("b", {}, "Worth a look"), h("ul", {}, ...ofMatte, ...listed(result, true))),
      ),
    ];
  }

  /** @param {import("./client.js").Result} result */
  #files({ outputs }) {
    const shownMs = Date.now();
    const rows = outputs.map(({ format, url, size }) => {
      const { name, plays } = FORMATS[format];
      const link = h(
        "a",
        {
          href: ownAddress(url),
          // The server names it, after the clip.
          download: "",
          class: "button",
          "aria-label": `Download ${name}, ${formatBytes(size)}`,
        },
        icon("down"),
        "Download",
      );
      link.onclick = (event) => {
        if (Date.now() - shownMs < LINKS_LAST_MS) return;
        // The link has ended; the view is made again with one that opens.
        event.preventDefault();
        this.dispatchEvent(new Event("stale"));
      };
      return h(
        "li",
        {},
        h(
          "div",
          {},
          h("b", {}, name),
          h("span", { class: "size" }, formatBytes(size)),
          h("p", { class: "hint" }, plays),
        ),
        link,
      );
    });
    return h("section", { class: "files" }, h("h3", {}, "Files"), h("ul", {}, ...rows));
  }
}

const expired = () =>
  h("p", { class: "panel hint" }, "The files of this clip are kept no longer. Add the clip again to cut it anew.");

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
