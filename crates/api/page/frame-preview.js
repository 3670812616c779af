// One frame of the clip, its cut and its matte, while the options change.
import { Client, Problem } from "./client.js";
import { Clip } from "./clip.js";
import { ClipFrame } from "./clip-frame.js";
import { timesOf } from "./clip-part.js";
import { HintLayer, hintList } from "./hint-layer.js";
import { h, uniqueId } from "./html.js";
import { REMEDIES } from "./remedies.js";
import { explain, formatTime } from "./texts.js";

/** A preview is requested when a control has rested for so long. */
const REST_MS = 200;
/** The slider ends so far before the end of the clip, where the last frame is shown whatever the rounding. */
const END_SECS = 0.05;

/** `<frame-preview>`: fires `pick` with a color as detail, as its `<clip-frame>` does, `measured` with the measured one, and `previewed` with a preview. */
export class FramePreview extends HTMLElement {
  clip = new Clip();
  /** @type {Client | null} */
  client = null;
  /** The fields of a cut. */
  form = () => new FormData();
  #frame = new ClipFrame();
  #layer = new HintLayer();
  #hints = h("div", {});
  #cut = h("img", { class: "preview checker", alt: "This frame, cut", hidden: true });
  #status = h("p", { class: "hint", role: "status" });
  #time = h("input", { type: "range", min: "0", step: "0.01", value: "0", "aria-label": "Time in the clip" });
  #timeText = h("output", { class: "time" }, formatTime(0));
  #mode = "clip";
  #timer = 0;
  #pending = new AbortController();

  connectedCallback() {
    this.#frame.file = this.clip.file;
    this.#layer.clip = this.clip;
    this.#layer.hidden = true;
    this.#layer.addEventListener("change", () => {
      this.#showHints();
      this.refresh();
    });
    this.#showHints();
    this.#frame.addEventListener("pick", (event) => {
      this.dispatchEvent(new CustomEvent("pick", { detail: /** @type {CustomEvent} */ (event).detail }));
    });
    const [modes, timeSlider] = [this.#modes(), this.#timeSlider()];
    this.#frame.addEventListener("ready", () => {
      modes.hidden = !this.clip.file;
      timeSlider.hidden = this.#frame.duration <= 2 * END_SECS;
      this.#keepInPart();
      this.#showWarning();
    });
    const box = h("div", { class: "frame-box" }, this.#frame, this.#cut, this.#layer);
    this.replaceChildren(box, timeSlider, modes, this.#status, this.#hints);
    this.clip.addEventListener("change", this.#showUploaded);
  }

  disconnectedCallback() {
    this.#pending.abort();
    clearTimeout(this.#timer);
    this.clip.removeEventListener("change", this.#showUploaded);
  }

  #timeSlider() {
    this.#time.oninput = () => {
      this.#timeText.textContent = formatTime(this.#time.valueAsNumber);
      this.#frame.seek(this.#time.valueAsNumber);
      this.refresh();
    };
    return h("div", { class: "row time-slider", hidden: true }, this.#time, this.#timeText);
  }

  /** Keeps the slider in the part of the clip that is cut. Times are hundredths of a second, as its steps are. */
  #keepInPart() {
    const { duration } = this.#frame;
    const { start, end } = timesOf(this.clip.trim, duration);
    const before = this.#time.valueAsNumber;
    const first = Math.ceil(start * 100 - 1e-6) / 100;
    this.#time.min = String(first);
    this.#time.max = String(Math.max(first, Math.min(end, duration) - END_SECS));
    if (this.#time.valueAsNumber === before) return;
    this.#timeText.textContent = formatTime(this.#time.valueAsNumber);
    this.#frame.seek(this.#time.valueAsNumber);
  }

  #modes() {
    const name = uniqueId();
    const modes = [
      ["clip", "Original"],
      ["cut", "Cut"],
      ["matte", "Matte"],
    ].map(([mode, label]) => {
      const box = h("input", { type: "radio", name, value: mode, checked: mode === "clip" });
      box.onchange = () => this.#show(mode);
      return h("label", { class: "pill" }, box, label);
    });
    return h("fieldset", { class: "tool", hidden: true }, h("legend", {}, "This frame"), ...modes);
  }

  /** Shows the cut at the time of the warning, if the clip was opened for one. */
  #showWarning() {
    const { lookAt, file } = this.clip;
    if (!lookAt || !file) return;
    this.#time.value = String((lookAt.from + lookAt.to) / 2);
    this.#time.dispatchEvent(new Event("input"));
    const cut = /** @type {HTMLInputElement | null} */ (this.querySelector("input[value=cut]"));
    cut?.click();
    if (REMEDIES[lookAt.code]?.control === "mark") cut?.focus();
  }

  #showHints() {
    const list = hintList(this.clip, () => {
      this.#showHints();
      this.refresh();
    });
    this.#hints.replaceChildren(list);
  }

  /** @param {string} mode */
  #show(mode) {
    const isFirst = this.#mode === "clip";
    this.#mode = mode;
    this.#cut.classList.toggle("is-matte", mode === "matte");
    if (mode === "clip") {
      this.#pending.abort();
      this.#cut.hidden = true;
      this.#layer.hidden = true;
      this.#showStatus("");
    } else if (isFirst) this.refresh();
  }

  /** @param {string} text @param {boolean} [isProblem] */
  #showStatus(text, isProblem = false) {
    this.#status.textContent = text;
    this.#status.className = isProblem ? "problem" : "hint";
  }

  /** Requests a new preview: the options have changed. */
  refresh() {
    if (this.#frame.duration > 0) this.#keepInPart();
    if (this.#mode === "clip") return;
    clearTimeout(this.#timer);
    // Closes the request that is under way: the server stops working on it.
    this.#pending.abort();
    this.#pending = new AbortController();
    const { signal } = this.#pending;
    this.#showStatus("Cutting this frame…");
    this.#timer = setTimeout(() => this.#request(signal), REST_MS);
  }

  /** Shows the cut of the frame, unless another is requested meanwhile. @param {AbortSignal} signal */
  async #request(signal) {
    const { clip, client } = this;
    if (!client || !clip.file) return;
    try {
      const preview = await this.#previewOf(client, clip.file, signal);
      if (!preview || signal.aborted) return;
      this.#cut.style.aspectRatio = `${preview.width} / ${preview.height}`;
      this.#cut.src = preview.url;
      await this.#cut.decode().catch(() => {});
      if (signal.aborted) return;
      this.#cut.hidden = false;
      this.#layer.hidden = false;
      this.#layer.cover(this.#cut, preview.time);
      const kept = clip.crop.startsWith("auto") ? "the subject" : clip.crop;
      const whole = clip.crop ? ` This is the whole frame; the cut is cropped to ${kept}.` : "";
      this.#showStatus(describePreview(preview) + whole);
      this.dispatchEvent(new CustomEvent("previewed", { detail: preview }));
      const { detectedBackgroundColor: found } = preview;
      if (found) this.dispatchEvent(new CustomEvent("measured", { detail: found.hex }));
    } catch (problem) {
      if (signal.aborted) return;
      this.#cut.hidden = true;
      this.#layer.hidden = true;
      this.#showStatus(problem instanceof Problem ? explain(problem) : String(problem), true);
    }
  }

  /** @param {Client} client @param {File} file @param {AbortSignal} signal */
  async #previewOf(client, file, signal) {
    const ask = async () => {
      const { storageId } = await this.clip.upload(client, file);
      const form = this.form();
      form.set("inputStorageId", storageId);
      form.set("time", this.#time.valueAsNumber.toFixed(3));
      return signal.aborted ? null : client.preview(form, signal);
    };
    try {
      return await ask();
    } catch (problem) {
      if (!(problem instanceof Problem && problem.code === "UPLOAD_NOT_FOUND")) throw problem;
      this.clip.forgetUpload();
      return ask();
    }
  }

  #showUploaded = () => {
    const { uploadedShare } = this.clip;
    if (this.#mode === "clip" || uploadedShare === null || uploadedShare >= 1 || !this.#cut.hidden) return;
    this.#showStatus(`Uploading the clip for the preview: ${Math.round(uploadedShare * 100)} %`);
  };
}

/** @param {import("./client.js").Preview} preview */
function describePreview({ processingMethod, detectedBackgroundColor, confidence, hintFrames }) {
  return `${describeBackground({ processingMethod, detectedBackgroundColor, confidence })} ${
    hintFrames.at(-1) === 0
      ? "The last click has no effect: it is on the outer background."
      : "Something wrong? Click a hole to keep it, or a leftover to remove it."
  }`;
}

/** @param {Pick<import("./client.js").Preview, "processingMethod" | "detectedBackgroundColor" | "confidence">} preview */
function describeBackground({ processingMethod, detectedBackgroundColor, confidence }) {
  if (processingMethod === "ai") return "A neural model found the subject.";
  if (!detectedBackgroundColor) return "The clip is already transparent.";
  const share = confidence === null ? "" : `, on ${Math.round(confidence * 100)} % of the clip’s border`;
  return `The background is ${detectedBackgroundColor.hex}${share}.`;
}

customElements.define("frame-preview", FramePreview);
