// The options of a cut, before the clip is sent.
import { Clip } from "./clip.js";
import { contradictionIn } from "./contradictions.js";
import { CutActions } from "./cut-actions.js";
import { formOf, hasQuality } from "./cut-form.js";
import { edgeColorField, hasHardEdges } from "./edge-color.js";
import { FramePreview } from "./frame-preview.js";
import { h, uniqueId } from "./html.js";
import { newBackgroundField } from "./new-background.js";
import { BackgroundField, keptOptions, methodField, toleranceField } from "./option-fields.js";
import { openMore, showRefused, showRemedy, showWrong } from "./option-place.js";
import { PartFields } from "./part-fields.js";
import { PRESETS } from "./presets.js";
import { FORMATS } from "./texts.js";

/** @typedef {import("./texts.js").Format} Format */
/** @typedef {{ preset: string, maxBytes: string, formats: Format[], method: "auto" | "chroma" | "ai", tolerance: number, tempo: string, loop: string, fps: string, audio: string, size: string, width: string, height: string, fit: string, quality: number, edgeColor: string, background: string, backgroundFile: File | null }} Options */

const STORAGE_KEY = "clearcut.options";
/** The longer side of previews: a hole is visible, and the cut is quick. */
const PREVIEW_PX = "640";
/** The longest side of a poster. */
const LARGEST_PX = "2048";
/** The options of previews in place of those of the cut. @type {Partial<Options>} */
const PREVIEWED = {
  preset: "",
  tempo: "1",
  loop: "",
  maxBytes: "",
  formats: ["apng"],
  size: PREVIEW_PX,
  width: "",
  height: "",
  background: "",
  backgroundFile: null,
};
/** @type {Options} */
const DEFAULTS = {
  preset: "",
  maxBytes: "",
  formats: ["webm", "stacked-alpha"],
  method: "auto",
  tolerance: 30,
  tempo: "1",
  loop: "",
  fps: "source",
  audio: "keep",
  size: "",
  width: "",
  height: "",
  fit: "contain",
  quality: 60,
  edgeColor: "",
  background: "",
  backgroundFile: null,
};

/** The options of the last cut. */
export const storedOptions = () => keptOptions(STORAGE_KEY, DEFAULTS);

/** `<cut-options>`: fires `cut` when the form is submitted, and what `<cut-actions>` fires. */
export class CutOptions extends HTMLElement {
  clip = new Clip();
  /** The options of the clip. @type {Options} */
  options = DEFAULTS;
  /** The client that requests previews. @type {import("./client.js").Client | null} */
  client = null;
  #preview = new FramePreview();
  #background = new BackgroundField();
  #actions = new CutActions();
  #part = new PartFields();
  /** The formats that the server can write; null before it has said so. @type {string[] | null} */
  #able = null;
  #quality = h("div", { class: "field" });
  #edge = h("div", {});
  #byColor = h("div", { class: "options" });
  #more = h("details", { class: "more" });
  #formatFields = h("div", {});
  /** The fields that a preset sets. */
  #setByPreset = h("div", { class: "options" });

  connectedCallback() {
    this.clip.options ??= storedOptions();
    this.options = this.clip.options;
    const frame = this.#preview;
    frame.clip = this.clip;
    frame.client = this.client;
    // The frame is shown whole, for hints are shares of it.
    const settings = () => ({ keyColor: this.clip.keyColor, hints: this.clip.hints, trim: this.clip.trim, crop: "" });
    frame.form = () => formOf({ ...this.options, ...PREVIEWED }, settings());
    frame.posterForm = () => {
      const crop = this.clip.crop.startsWith("auto") ? "" : this.clip.crop;
      return formOf({ ...this.options, ...PREVIEWED, size: this.options.size || LARGEST_PX }, { ...settings(), crop });
    };
    this.#part.clip = this.clip;
    this.#part.addEventListener("part", () => frame.refresh());
    frame.addEventListener("part", () => {
      this.#part.show();
      this.#mayBeRight();
    });
    frame.addEventListener("ready", this.#show, true);
    frame.addEventListener("pick", (event) => this.#setKey(/** @type {CustomEvent<string>} */ (event).detail));
    frame.addEventListener("measured", (event) => {
      if (this.clip.keyColor === null) this.#background.showMeasured(/** @type {CustomEvent<string>} */ (event).detail);
    });
    this.#background.addEventListener("pick", (event) => this.#setKey(/** @type {CustomEvent} */ (event).detail));
    this.#fillQuality();
    const tolerance = toleranceField(this.options.tolerance, (value) => {
      this.options.tolerance = value;
      frame.refresh();
    });
    this.#byColor.replaceChildren(this.#background, tolerance);
    // Where a model finds the subject, or nothing is keyed, no color is compared.
    frame.addEventListener("previewed", (event) => {
      const { processingMethod, detectedBackgroundColor } = /** @type {CustomEvent<import("./client.js").Preview>} */ (
        event
      ).detail;
      tolerance.hidden = processingMethod === "ai" || detectedBackgroundColor === null;
    });
    const method = methodField(this.client, this.options.method, (value) => {
      this.options.method = value;
      tolerance.hidden = false;
      this.#show();
      frame.refresh();
    });
    this.#more.replaceChildren(
      h("summary", {}, "More options: background, trim, crop, tempo, loop, frame rate, sound, size, quality"),
      newBackgroundField(this.options, () => {
        this.#formatFields.replaceChildren(this.#formats());
        this.#show();
      }),
      this.#part,
      this.#tempo(),
      this.#loop(),
      this.#setByPreset,
    );
    this.#setByPreset.replaceChildren(
      this.#rate(),
      this.#audio(),
      this.#size(),
      this.#bounds(),
      this.#fit(),
      this.#maxBytes(),
      this.#quality,
      this.#edge,
    );
    this.#edge.replaceChildren(edgeColorField(this.options));
    this.#formatFields.replaceChildren(this.#formats());
    this.client?.formats().then((formats) => {
      this.#able = formats;
      this.options.formats = this.options.formats.filter((format) => formats?.includes(format) ?? true);
      this.#formatFields.replaceChildren(this.#formats());
      this.#show();
    });
    const form = h(
      "form",
      { class: "options" },
      h("h2", { tabIndex: -1 }, this.clip.name),
      method,
      this.#byColor,
      this.#preset(),
      this.#formatFields,
      this.#more,
      this.#actions,
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      const wrong = this.#contradiction;
      if (wrong) return showWrong(form, wrong.field);
      // A file is not kept: what would be sent without it is another cut.
      const { backgroundFile, formats, ...kept } = this.options;
      const transparent = backgroundFile ? DEFAULTS.formats : formats;
      localStorage.setItem(STORAGE_KEY, JSON.stringify({ ...kept, formats: transparent }));
      this.dispatchEvent(new Event("cut"));
    };
    form.onchange = () => this.#mayBeRight();
    // The browser points at a number out of its bounds, if it is visible.
    form.addEventListener("invalid", () => openMore(form), true);
    this.replaceChildren(h("div", { class: "frame-pane" }, frame), form);
    showRefused(form, this.clip.problem);
    this.#setKey(this.clip.keyColor);
    this.clip.addEventListener("change", this.#show);
    this.#show();
    showRemedy(this, this.clip.lookAt?.code ?? "");
  }

  disconnectedCallback() {
    this.clip.removeEventListener("change", this.#show);
  }

  /** What else there is to cut. @param {import("./cut-actions.js").Others} others */
  set others(others) {
    this.#actions.show(others);
  }

  /** @param {string | null} color */
  #setKey(color) {
    this.clip.keyColor = color;
    this.#background.show(color);
    this.#preview.refresh();
  }

  get #contradiction() {
    return contradictionIn(this.options, this.clip, this.#preview.known);
  }

  /** What was refused may be right now. */
  #mayBeRight() {
    for (const field of this.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    this.clip.problem = "";
    this.clip.changed();
  }

  #show = () => {
    this.#actions.say(this.clip.problem || (this.#contradiction?.says ?? ""));
    const { preset } = this.options;
    this.#formatFields.hidden = preset !== "";
    this.#setByPreset.hidden = preset !== "";
    const nothing = !preset && this.options.formats.length === 0;
    this.#actions.name("Cut this clip", nothing ? "Choose a format" : "");
    this.#byColor.hidden = this.options.method === "ai";
    this.#quality.hidden = !hasQuality(this.options);
    this.#edge.hidden = !hasHardEdges(this.options);
  };

  #formats() {
    const offered = Object.entries(FORMATS).filter(([name]) => this.#able?.includes(name) ?? true);
    const choices = offered.map(([name, { name: label, about }]) => {
      const format = /** @type {Format} */ (name);
      const box = h("input", {
        type: "checkbox",
        name: "formats",
        value: name,
        checked: this.options.formats.includes(format),
      });
      box.onchange = () => {
        const others = this.options.formats.filter((other) => other !== format);
        this.options.formats = box.checked ? [...others, format] : others;
        this.#show();
      };
      return h(
        "label",
        { class: "choice" },
        box,
        h("span", {}, h("b", {}, label), h("span", { class: "hint" }, about)),
      );
    });
    return h("fieldset", {}, h("legend", {}, "Formats"), ...choices);
  }

  /** What the file is for. */
  #preset() {
    return this.#select("Made for", "preset", PRESETS);
  }

  /** The largest file. */
  #maxBytes() {
    const id = uniqueId();
    const input = h("input", { id, name: "maxBytes", value: this.options.maxBytes, placeholder: "any, or 256KB, 2MB" });
    input.onchange = () => {
      this.options.maxBytes = input.value.replaceAll(/\s/g, "");
    };
    return h(
      "div",
      { class: "field" },
      h("div", { class: "row spread" }, h("label", { for: id }, "Max file size"), input),
      h("p", { class: "hint" }, "For WebM, WebP, PNG and GIF. Lowers the quality, then the frame rate, then the size."),
    );
  }

  #rate() {
    return this.#select("Frame rate", "fps", [
      ["source", "Same as the clip"],
      ["24", "24 fps"],
      ["30", "30 fps"],
      ["15", "15 fps"],
      ["12", "12 fps, like a GIF"],
    ]);
  }

  #tempo() {
    return this.#select("Tempo", "tempo", [
      ["1", "As the clip"],
      ["0.25", "A quarter: slow motion"],
      ["0.5", "Half"],
      ["1.5", "One and a half"],
      ["2", "Double"],
      ["4", "Four times"],
    ]);
  }

  #loop() {
    return this.#select("Loop", "loop", [
      ["", "As the clip goes"],
      ["boomerang", "Forth and back, without sound"],
      ["seamless", "The part that loops best"],
    ]);
  }

  #audio() {
    return this.#select("Sound", "audio", [
      ["keep", "Keep"],
      ["drop", "Remove"],
    ]);
  }

  #size() {
    return this.#select("Size", "size", [
      ["", "Same as the clip"],
      ["1080", "1080 px, longer side"],
      ["720", "720 px"],
      ["512", "512 px, a sticker"],
      ["256", "256 px"],
      ["128", "128 px, an emoji"],
    ]);
  }

  /** Width and height, in place of the longer side. */
  #bounds() {
    const id = uniqueId();
    const side = (/** @type {"width" | "height"} */ name) => {
      const input = h("input", {
        id: `${id}-${name}`,
        type: "number",
        name,
        min: "64",
        max: "2048",
        value: this.options[name],
        placeholder: name,
        "aria-label": name === "width" ? "Width in pixels" : "Height in pixels",
      });
      input.onchange = () => {
        this.options[name] = input.value;
        if (input.value) this.#clear("size");
      };
      return input;
    };
    const width = side("width");
    const label = h("label", { for: width.id }, "Width and height, px");
    return h("div", { class: "field row spread" }, label, h("span", { class: "row" }, width, "×", side("height")));
  }

  #fit() {
    return this.#select("Fit", "fit", [
      ["contain", "Whole frame, one side may be smaller"],
      ["cover", "Exact size, cropped"],
      ["pad", "Exact size, with transparent margins"],
    ]);
  }

  /** @param {string} label @param {"preset" | "tempo" | "loop" | "fps" | "audio" | "size" | "fit"} name @param {string[][]} choices */
  #select(label, name, choices) {
    const id = uniqueId();
    const select = h("select", { id, name }, ...choices.map(([value, text]) => h("option", { value }, text)));
    select.value = this.options[name];
    select.onchange = () => {
      this.options[name] = select.value;
      if (name === "size" && select.value) this.#clear("width", "height", "fit");
      if (name === "preset") this.#show();
    };
    return h("div", { class: "field row spread" }, h("label", { for: id }, label), select);
  }

  /** Empties fields in whose place others are set: the longer side, or width and height. @param {("size" | "width" | "height" | "fit")[]} names */
  #clear(...names) {
    for (const name of names) {
      this.options[name] = name === "fit" ? DEFAULTS.fit : "";
      const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (this.querySelector(`[name=${name}]`));
      field.value = this.options[name];
    }
  }

  #fillQuality() {
    const id = uniqueId();
    const range = h("input", {
      type: "range",
      id,
      min: "0",
      max: "100",
      step: "5",
      value: String(this.options.quality),
    });
    range.oninput = () => {
      this.options.quality = range.valueAsNumber;
    };
    this.#quality.replaceChildren(
      h("label", { for: id }, "Quality of WebP, PNG and GIF"),
      range,
      h("div", { class: "row spread hint" }, h("span", {}, "smaller file"), h("span", {}, "lossless")),
    );
  }
}

customElements.define("cut-options", CutOptions);
