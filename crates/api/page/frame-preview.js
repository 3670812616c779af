// One frame of the clip, its cut and its matte, while the options change.
import { Client, Problem } from "./client.js";
import { Clip } from "./clip.js";
import { ClipFrame } from "./clip-frame.js";
import { rectOf, timesOf } from "./clip-part.js";
import { CropBox } from "./crop-box.js";
import { HintLayer, hintList } from "./hint-layer.js";
import { button, h, uniqueId } from "./html.js";
import { REMEDIES } from "./remedies.js";
import { save } from "./save.js";
import { explain, formatTime, outputName } from "./texts.js";
import { TrimBar } from "./trim-bar.js";

/** A preview is requested when a control has rested for so long. */
const REST_MS = 200;
const MODES = [
  ["clip", "Original"],
  ["cut", "Cut"],
  ["matte", "Matte"],
];
const CROPS = [
  ["", "Whole frame"],
  ["box", "A box"],
  ["auto", "The subject"],
];
/** The slider ends so far before the end of the clip, where the last frame is shown whatever the rounding. */
const END_SECS = 0.05;

/** `<frame-preview>`: fires `pick` with a color as detail, as its `<clip-frame>` does, `measured` with the measured one, `previewed` with a preview, and `part` when its handles or its box have changed the part of the clip. */
export class FramePreview extends HTMLElement {
  clip = new Clip();
  /** @type {Client | null} */
  client = null;
  /** The fields of a cut. */
  form = () => new FormData();
  /** The fields of a poster. */
  posterForm = () => new FormData();
  #frame = new ClipFrame();
  #layer = new HintLayer();
  #hints = h("div", {});
  #cut = h("img", { class: "preview checker", alt: "This frame, cut", hidden: true });
  #status = h("p", { class: "hint", role: "status" });
  #time = h("input", { type: "range", min: "0", step: "0.01", value: "0", "aria-label": "Time in the clip" });
  #timeText = h("output", { class: "time" }, formatTime(0));
  #bar = new TrimBar();
  #box = new CropBox();
  #frameBox = h("div", { class: "frame-box" });
  #crops = radios("Crop", CROPS, "", (value) => this.#chooseCrop(value));
  #poster = button("Save this frame as a poster", () => this.#savePoster(), { class: "quiet" });
  #mode = "clip";
  #timer = 0;
  #pending = new AbortController();
  #closed = new AbortController();

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
      modes.hidden = this.#poster.hidden = !this.clip.file;
      this.#crops.hidden = this.#frame.size.width === 0;
      timeSlider.hidden = this.#frame.duration <= 2 * END_SECS;
      this.#time.max = String(this.#frame.duration - END_SECS);
      this.#showCrop();
      this.#keepInPart();
      this.#showWarning();
    });
    this.#crops.hidden = this.#poster.hidden = this.#box.hidden = true;
    this.#bar.addEventListener("trim", (event) => this.#trim(/** @type {CustomEvent} */ (event).detail));
    this.#box.addEventListener("crop", (event) => this.#setCrop(/** @type {CustomEvent<string>} */ (event).detail));
    this.#frameBox.replaceChildren(this.#frame, this.#cut, this.#layer, this.#box);
    const tools = h("div", { class: "frame-tools" }, modes, this.#crops, this.#poster);
    this.replaceChildren(this.#frameBox, timeSlider, tools, this.#status, this.#hints);
    for (const element of [this.#frameBox, this.#frame.picture, this.#cut]) this.#sized.observe(element);
    this.clip.addEventListener("change", this.#showUploaded);
  }

  disconnectedCallback() {
    this.#pending.abort();
    this.#closed.abort();
    clearTimeout(this.#timer);
    this.#sized.disconnect();
    this.clip.removeEventListener("change", this.#showUploaded);
  }

  #timeSlider() {
    this.#time.oninput = () => {
      this.#keepInPart();
      this.#seek();
      this.refresh();
    };
    const line = h("div", { class: "time-line" }, this.#time, this.#bar);
    return h("div", { class: "row time-slider", hidden: true }, line, this.#timeText);
  }

  #seek() {
    this.#timeText.textContent = formatTime(this.#time.valueAsNumber);
    this.#frame.seek(this.#time.valueAsNumber);
  }

  /** Keeps the slider in the part of the clip that is cut. Times are hundredths of a second, as its steps are. */
  #keepInPart() {
    const { duration } = this.#frame;
    const { start, end } = timesOf(this.clip.trim, duration);
    this.#bar.show(this.clip.trim, duration);
    const before = this.#time.valueAsNumber;
    const first = Math.ceil(start * 100 - 1e-6) / 100;
    const last = Math.max(first, Math.min(end, duration) - END_SECS);
    this.#time.valueAsNumber = Math.min(last, Math.max(first, before));
    if (this.#time.valueAsNumber !== before) this.#seek();
  }

  /** Cuts another part, and shows the frame at the handle that was moved. @param {{ trim: string, at: number }} moved */
  #trim({ trim, at }) {
    this.clip.trim = trim;
    this.#time.value = String(at);
    this.#keepInPart();
    this.#seek();
    this.dispatchEvent(new Event("part"));
    this.refresh();
  }

  /** Shows which part of the frame is cut. */
  #showCrop() {
    const { crop } = this.clip;
    const { size } = this.#frame;
    const shown = crop === "" ? "" : crop.startsWith("auto") ? "auto" : "box";
    for (const radio of this.#crops.querySelectorAll("input")) radio.checked = radio.value === shown;
    const rect = shown === "box" ? rectOf({ trim: "", crop, cover: "" }, size) : null;
    this.#box.hidden = size.width === 0 || rect === null || !(rect.width > 0 && rect.height > 0);
    if (rect && !this.#box.hidden) this.#box.show(rect, size);
    this.#place();
  }

  /** @param {string} value of the choice */
  #chooseCrop(value) {
    const { width, height } = this.#frame.size;
    // A tenth of each side is cut off at first, so that the corners are seen.
    const [x, y] = [width, height].map((side) => 2 * Math.round(side / 20));
    const box = [x, y, 2 * Math.floor((width - 2 * x) / 2), 2 * Math.floor((height - 2 * y) / 2)].join(",");
    this.#setCrop(value === "box" ? box : value);
    this.#showCrop();
  }

  /** @param {string} crop */
  #setCrop(crop) {
    this.clip.crop = crop;
    this.dispatchEvent(new Event("part"));
  }

  /** Lays the box over the picture that is shown. */
  #place = () => {
    if (this.#box.hidden) return;
    const shown = this.#cut.hidden ? this.#frame.picture : this.#cut;
    const [picture, around] = [shown, this.#frameBox].map((element) => element.getBoundingClientRect());
    Object.assign(this.#box.style, {
      left: `${picture.left - around.left}px`,
      top: `${picture.top - around.top}px`,
      width: `${picture.width}px`,
      height: `${picture.height}px`,
    });
  };
  #sized = new ResizeObserver(this.#place);

  /** Length of the clip in seconds, and its frame in pixels; 0 where the browser does not show it. */
  get known() {
    return { duration: this.#frame.duration, ...this.#frame.size };
  }

  /** Saves the cut of this frame, in full size. */
  async #savePoster() {
    const { clip, client } = this;
    if (!client || !clip.file) return;
    this.#poster.disabled = true;
    this.#showStatus("Cutting this frame in full size…");
    try {
      const preview = await this.#previewOf(client, clip.file, this.#closed.signal, this.posterForm);
      if (!preview) return;
      const bytes = Uint8Array.from(atob(preview.url.split(",")[1]), (letter) => letter.charCodeAt(0));
      save(new Blob([bytes], { type: "image/png" }), outputName(clip.name, "poster"));
      const whole = clip.crop.startsWith("auto") ? " It is the whole frame: the subject is looked for in a cut." : "";
      this.#showStatus(
        `Saved the frame at ${formatTime(preview.time)}, ${preview.width} × ${preview.height} pixels.${whole}`,
      );
    } catch (problem) {
      this.#showStatus(problem instanceof Problem ? explain(problem) : String(problem), true);
    } finally {
      this.#poster.disabled = false;
    }
  }

  #modes() {
    const modes = radios("This frame", MODES, "clip", (mode) => this.#show(mode));
    modes.hidden = true;
    return modes;
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
    this.#showCrop();
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
      const preview = await this.#previewOf(client, clip.file, signal, this.form);
      if (!preview || signal.aborted) return;
      this.#cut.style.aspectRatio = `${preview.width} / ${preview.height}`;
      this.#cut.src = preview.url;
      await this.#cut.decode().catch(() => {});
      if (signal.aborted) return;
      this.#cut.hidden = false;
      this.#layer.hidden = false;
      this.#layer.cover(this.#cut, preview.time);
      const kept = clip.crop.startsWith("auto") ? "is cropped to the subject" : "takes what lies in the box";
      const whole = clip.crop ? ` This is the whole frame; the cut ${kept}.` : "";
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

  /** @param {Client} client @param {File} file @param {AbortSignal} signal @param {() => FormData} fields */
  async #previewOf(client, file, signal, fields) {
    const ask = async () => {
      const { storageId } = await this.clip.upload(client, file);
      const form = fields();
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

/** A choice of one. @param {string} legend @param {string[][]} choices @param {string} chosen @param {(value: string) => void} onChange */
function radios(legend, choices, chosen, onChange) {
  const name = uniqueId();
  const pills = choices.map(([value, label]) => {
    const radio = h("input", { type: "radio", name, value, checked: value === chosen });
    radio.onchange = () => onChange(value);
    return h("label", { class: "pill" }, radio, label);
  });
  return h("fieldset", { class: "tool" }, h("legend", {}, legend), ...pills);
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
