// The options of a cut, before the clip is sent.
import { Clip } from "./clip.js";
import { CutActions } from "./cut-actions.js";
import { formOf, hasQuality } from "./cut-form.js";
import { FramePreview } from "./frame-preview.js";
import { h, uniqueId } from "./html.js";
import { newBackgroundField } from "./new-background.js";
import { BackgroundField, keptOptions, methodField, toleranceField } from "./option-fields.js";
import { openMore, showRefused, showRemedy } from "./option-place.js";
import { PRESETS } from "./presets.js";
import { FORMATS } from "./texts.js";

/** @typedef {import("./texts.js").Format} Format */
/** @typedef {{ preset: string, maxBytes: string, formats: Format[], method: "auto" | "chroma" | "ai", tolerance: number, tempo: string, loop: string, fps: string, audio: string, size: string, width: string, height: string, fit: string, quality: number, background: string, backgroundFile: File | null }} Options */

const STORAGE_KEY = "clearcut.options";
/** The longer side of previews: a hole is visible, and the cut is quick. */
const PREVIEW_PX = "640";
/** Shapes of frames that are proposed. */
const SHAPES = ["auto", "auto:1:1", "1:1", "4:5", "9:16", "16:9"];
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
  #quality = h("div", { class: "field" });
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
      this.#part(),
      this.#crop(),
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
    );
    this.#formatFields.replaceChildren(this.#formats());
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
      // A file is not kept: what would be sent without it is another cut.
      const { backgroundFile, formats, ...kept } = this.options;
      const transparent = backgroundFile ? DEFAULTS.formats : formats;
      localStorage.setItem(STORAGE_KEY, JSON.stringify({ ...kept, formats: transparent }));
      this.dispatchEvent(new Event("cut"));
    };
    // What was refused may be right now.
    form.onchange = () => {
      if (!this.clip.problem) return;
      this.clip.problem = "";
      for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
      this.clip.changed();
    };
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

  #show = () => {
    this.#actions.say(this.clip.problem);
    const { preset } = this.options;
    this.#formatFields.hidden = preset !== "";
    this.#setByPreset.hidden = preset !== "";
    const nothing = !preset && this.options.formats.length === 0;
    this.#actions.name("Cut this clip", nothing ? "Choose a format" : "");
    this.#byColor.hidden = this.options.method === "ai";
    this.#quality.hidden = !hasQuality(this.options);
  };

  #formats() {
    const choices = Object.entries(FORMATS).map(([name, { name: label, about }]) => {
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

  /** From where to where the clip is cut. */
  #part() {
    const id = uniqueId();
    const [start = "", end = ""] = this.clip.trim.split(",");
    const time = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ value) =>
      h("input", { id: `${id}-${name}`, name, value, placeholder: label, "aria-label": label });
    const from = time("trim-start", "start", start);
    const to = time("trim-end", "end", end);
    const change = () => {
      const [start, end] = [from, to].map(({ value }) => value.replaceAll(/\s/g, ""));
      this.clip.trim = start || end ? `${start},${end}` : "";
      this.#preview.refresh();
    };
    from.onchange = change;
    to.onchange = change;
    return h(
      "div",
      { class: "field" },
      h(
        "div",
        { class: "row spread" },
        h("label", { for: from.id }, "Trim"),
        h("span", { class: "row" }, from, "to", to),
      ),
      h("p", { class: "hint" }, "In seconds, or as hh:mm:ss.mmm. Leave empty for the whole clip."),
    );
  }

  /** The part of the frame that is cut. */
  #crop() {
    const id = uniqueId();
    const shapes = h("datalist", { id: `${id}-shapes` }, ...SHAPES.map((value) => h("option", { value })));
    const crop = h("input", {
      id,
      name: "crop",
      value: this.clip.crop,
      placeholder: "whole frame",
      "aria-describedby": `${id}-hint`,
    });
    crop.setAttribute("list", shapes.id);
    crop.onchange = () => {
      this.clip.crop = crop.value.replaceAll(/\s/g, "");
      this.#preview.refresh();
    };
    return h(
      "div",
      { class: "field" },
      h("div", { class: "row spread" }, h("label", { for: id }, "Crop"), crop, shapes),
      h(
        "p",
        { class: "hint", id: `${id}-hint` },
        "A shape such as 1:1, X,Y,WIDTH,HEIGHT in even pixels, auto for the subject, or auto:1:1 around it. The preview still shows the whole frame.",
      ),
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
      if (name === "size" && select.value) this.#clear("width", "height");
      if (name === "preset") this.#show();
    };
    return h("div", { class: "field row spread" }, h("label", { for: id }, label), select);
  }

  /** Empties fields in whose place others are set: the longer side, or width and height. @param {("size" | "width" | "height")[]} names */
  #clear(...names) {
    for (const name of names) {
      this.options[name] = "";
      const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (this.querySelector(`[name=${name}]`));
      field.value = "";
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
