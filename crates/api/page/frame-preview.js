// A frame as it is, as it would be cut, and as a matte, while the options change.
import { Client, Problem } from "./client.js";
import { Clip } from "./clip.js";
import { FirstFrame } from "./first-frame.js";
import { HintLayer, hintList } from "./hint-layer.js";
import { h, uniqueId } from "./html.js";
import { explain, sayMoment } from "./words.js";

/** A slider that moves asks once it rests. */
const REST_MS = 200;
/** So far from the end the last frame is still shown, whatever rounding there was. */
const END_SECS = 0.05;

/** `<frame-preview>`: fires `pick` with a color as detail, as its `<first-frame>` does, and `measured` with the one that was found. */
export class FramePreview extends HTMLElement {
  clip = new Clip();
  /** @type {Client | null} */
  client = null;
  /** The fields of a cut. */
  form = () => new FormData();
  #frame = new FirstFrame();
  #layer = new HintLayer();
  #hints = h("div", {});
  #cut = h("img", { class: "preview checker", alt: "This frame, cut", hidden: true });
  #said = h("p", { class: "hint", role: "status" });
  #moment = h("input", { type: "range", min: "0", step: "0.01", value: "0", "aria-label": "Moment of the clip" });
  #words = h("output", { class: "moment" }, sayMoment(0));
  #mode = "clip";
  #timer = 0;
  #asking = new AbortController();

  connectedCallback() {
    this.#frame.clip = this.clip;
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
    const [modes, moments] = [this.#modes(), this.#moments()];
    this.#frame.addEventListener("ready", () => {
      modes.hidden = !this.clip.file;
      moments.hidden = this.#frame.duration <= 2 * END_SECS;
      this.#moment.max = String(Math.max(0, this.#frame.duration - END_SECS));
      this.#look();
    });
    const box = h("div", { class: "frame-box" }, this.#frame, this.#cut, this.#layer);
    this.replaceChildren(box, moments, modes, this.#said, this.#hints);
    this.clip.addEventListener("change", this.#saySent);
  }

  disconnectedCallback() {
    this.#asking.abort();
    clearTimeout(this.#timer);
    this.clip.removeEventListener("change", this.#saySent);
  }

  #moments() {
    this.#moment.oninput = () => {
      this.#words.textContent = sayMoment(this.#moment.valueAsNumber);
      this.#frame.seek(this.#moment.valueAsNumber);
      this.refresh();
    };
    return h("div", { class: "row moments", hidden: true }, this.#moment, this.#words);
  }

  #modes() {
    const name = uniqueId();
    const modes = [
      ["clip", "Clip"],
      ["cut", "Cut"],
      ["matte", "Matte"],
    ].map(([mode, words]) => {
      const box = h("input", { type: "radio", name, value: mode, checked: mode === "clip" });
      box.onchange = () => this.#show(mode);
      return h("label", { class: "pill" }, box, words);
    });
    return h("fieldset", { class: "tool", hidden: true }, h("legend", {}, "This frame"), ...modes);
  }

  /** Goes where something is to be looked at, and shows the cut there. */
  #look() {
    const { lookAt, file } = this.clip;
    if (!lookAt || !file) return;
    this.#moment.value = String((lookAt.from + lookAt.to) / 2);
    this.#moment.dispatchEvent(new Event("input"));
    /** @type {HTMLInputElement | null} */ (this.querySelector("input[value=cut]"))?.click();
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
      this.#asking.abort();
      this.#cut.hidden = true;
      this.#layer.hidden = true;
      this.#say("");
    } else if (isFirst) this.refresh();
  }

  /** @param {string} words @param {boolean} [isProblem] */
  #say(words, isProblem = false) {
    this.#said.textContent = words;
    this.#said.className = isProblem ? "problem" : "hint";
  }

  /** The options have changed. */
  refresh() {
    if (this.#mode === "clip") return;
    clearTimeout(this.#timer);
    // Closes the request that is under way: the server stops working on it.
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#say("Cutting this frame");
    this.#timer = setTimeout(() => this.#ask(signal), REST_MS);
  }

  /** Shows the frame's cut, unless another is wanted meanwhile. @param {AbortSignal} signal */
  async #ask(signal) {
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
      this.#say(tell(preview));
      const { detectedBackgroundColor: found } = preview;
      if (found) this.dispatchEvent(new CustomEvent("measured", { detail: found.hex }));
    } catch (problem) {
      if (signal.aborted) return;
      this.#cut.hidden = true;
      this.#layer.hidden = true;
      this.#say(problem instanceof Problem ? explain(problem) : String(problem), true);
    }
  }

  /** @param {Client} client @param {File} file @param {AbortSignal} signal */
  async #previewOf(client, file, signal) {
    const ask = async () => {
      const { storageId } = await this.clip.sendAhead(client, file);
      const form = this.form();
      form.set("inputStorageId", storageId);
      form.set("time", this.#moment.valueAsNumber.toFixed(3));
      return signal.aborted ? null : client.preview(form, signal);
    };
    try {
      return await ask();
    } catch (problem) {
      if (!(problem instanceof Problem && problem.code === "UPLOAD_NOT_FOUND")) throw problem;
      this.clip.lostAhead();
      return ask();
    }
  }

  #saySent = () => {
    const { sentAhead } = this.clip;
    if (this.#mode === "clip" || sentAhead === null || sentAhead >= 1 || !this.#cut.hidden) return;
    this.#say(`Sending the clip, once for all: ${Math.round(sentAhead * 100)} %`);
  };
}

/** What was found, in words. @param {import("./client.js").Preview} preview */
function tell({ processingMethod, detectedBackgroundColor, confidence, hintFrames }) {
  return `${tellBackground({ processingMethod, detectedBackgroundColor, confidence })} ${
    hintFrames.at(-1) === 0
      ? "The last hint has no effect: it lies in the background outside."
      : "Click what should be different: a hole to keep it, a leftover to remove it."
  }`;
}

/** @param {Pick<import("./client.js").Preview, "processingMethod" | "detectedBackgroundColor" | "confidence">} preview */
function tellBackground({ processingMethod, detectedBackgroundColor, confidence }) {
  if (processingMethod === "ai") return "A neural network found the subject.";
  if (!detectedBackgroundColor) return "The clip is transparent already.";
  const share = confidence === null ? "" : `, on ${Math.round(confidence * 100)} % of the clip’s border`;
  return `The background is ${detectedBackgroundColor.hex}${share}.`;
}

customElements.define("frame-preview", FramePreview);
