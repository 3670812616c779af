// The options of images, before they are sent.
import { ClipFrame } from "./clip-frame.js";
import { CutActions } from "./cut-actions.js";
import { button, h, icon } from "./html.js";
import { ImageSet } from "./image-set.js";
import { BackgroundField, keptOptions, methodField, toleranceField } from "./option-fields.js";

/** @typedef {import("./option-fields.js").Method} Method */
/** @typedef {{ method: Method, tolerance: number, smoothEdges: boolean, shadow: "keep" | "drop" }} ImageOptionValues */

const STORAGE_KEY = "clearcut.image-options";
/** As many images are shown before they are sent. */
const SHOWN = 24;
/** @type {ImageOptionValues} */
const DEFAULTS = { method: "auto", tolerance: 20, smoothEdges: true, shadow: "keep" };

/** The options of the last images. */
export const storedImageOptions = () => keptOptions(STORAGE_KEY, DEFAULTS);

/** The fields of a submit. @param {ImageOptionValues} options @param {string | null} keyColor */
export function imageFormOf({ method, tolerance, smoothEdges, shadow }, keyColor) {
  const form = new FormData();
  form.append("method", method);
  // A model takes no color, and leaves no shadows.
  if (method !== "ai") {
    form.append("tolerance", String(tolerance));
    form.append("shadow", shadow);
    if (keyColor) form.append("chromaKey", keyColor);
  }
  form.append("smoothEdges", String(smoothEdges));
  return form;
}

/** `<image-options>`: fires `cut` when the form is submitted, what `<cut-actions>` fires, and `as-clip` for a ZIP that holds frames. */
export class ImageOptions extends HTMLElement {
  set = new ImageSet();
  /** The options of the images. @type {ImageOptionValues} */
  options = DEFAULTS;
  /** @type {import("./client.js").Client | null} */
  client = null;
  #background = new BackgroundField();
  #actions = new CutActions();
  #byColor = h("div", { class: "options" });
  /** @type {string[]} */
  #addresses = [];

  connectedCallback() {
    const { set } = this;
    set.options ??= storedImageOptions();
    this.options = set.options;
    const { options } = this;
    const [file] = set.files;
    const isOne = set.count === 1;
    this.#background.measured = isOne ? "measured from the image" : "measured in each image";
    this.#background.advice = isOne
      ? "If that is wrong, click the background in the picture, or choose a color."
      : "Choose a color if all images have the same.";
    this.#background.addEventListener("pick", (event) => this.#setKey(/** @type {CustomEvent} */ (event).detail));
    const tolerance = toleranceField(options.tolerance, (value) => {
      options.tolerance = value;
    });
    const shadow = choice(
      "Keep shadows",
      "As translucent black. Otherwise they are removed, too.",
      options.shadow === "keep",
      (isKept) => {
        options.shadow = isKept ? "keep" : "drop";
      },
    );
    this.#byColor.replaceChildren(this.#background, tolerance, shadow);
    const tell = (/** @type {string} */ type) => () => this.dispatchEvent(new Event(type));
    const form = h(
      "form",
      { class: "options" },
      h("h2", { tabIndex: -1 }, set.name),
      methodField(this.client, options.method, (value) => {
        options.method = value;
        this.#show();
      }),
      this.#byColor,
      choice(
        "Soft edges",
        "Otherwise each pixel is fully opaque or fully transparent.",
        options.smoothEdges,
        (isSoft) => {
          options.smoothEdges = isSoft;
        },
      ),
      set.isZip &&
        h(
          "p",
          { class: "hint" },
          "Are these the frames of one clip? ",
          button("Cut them as a clip", tell("as-clip"), {}),
        ),
      this.#actions,
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      localStorage.setItem(STORAGE_KEY, JSON.stringify(options));
      this.dispatchEvent(new Event("cut"));
    };
    this.replaceChildren(isOne && file ? this.#frame(file) : this.#list(), form);
    this.#setKey(set.keyColor);
    set.addEventListener("change", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    this.set.removeEventListener("change", this.#show);
    for (const address of this.#addresses.splice(0)) URL.revokeObjectURL(address);
  }

  /** What else there is to cut. @param {import("./cut-actions.js").Others} others */
  set others(others) {
    this.#actions.show(others);
  }

  /** @param {string | null} color */
  #setKey(color) {
    this.set.keyColor = color;
    this.#background.show(color);
  }

  #show = () => {
    this.#actions.say(this.set.problem);
    this.#actions.name(title(this.set));
    this.#byColor.hidden = this.options.method === "ai";
  };

  /** The image, with an eyedropper. @param {File} file */
  #frame(file) {
    const frame = new ClipFrame();
    frame.file = file;
    frame.isImage = true;
    frame.addEventListener("pick", (event) => this.#setKey(/** @type {CustomEvent} */ (event).detail));
    return h("div", { class: "frame-box" }, frame);
  }

  /** The images, as small pictures with their names. */
  #list() {
    const { files, isZip, address } = this.set;
    if (isZip) return said("The images in this ZIP are cut one by one. You get a ZIP back.");
    if (address) return said("No preview: the server fetches this image from its URL.");
    const tiles = files.slice(0, SHOWN).map((file) => {
      const src = URL.createObjectURL(file);
      this.#addresses.push(src);
      const picture = h("img", { src, alt: "", loading: "lazy", decoding: "async" });
      // Browsers do not show every image that the server reads.
      picture.onerror = () => picture.replaceWith(icon("image"));
      return h(
        "li",
        {},
        h("div", { class: "tile" }, picture),
        h("span", { class: "tile-name", title: file.name }, file.name),
      );
    });
    const rest = files.length - tiles.length;
    return h(
      "div",
      { class: "frame-pane" },
      h("ul", { class: "tiles", "aria-label": "Your images" }, ...tiles),
      rest > 0 && h("p", { class: "hint" }, `and ${rest} more`),
    );
  }
}

/** @param {string} sentence */
const said = (sentence) => h("div", { class: "frame-pane panel" }, icon("image"), h("p", { class: "hint" }, sentence));

/** @param {ImageSet} set */
function title({ count, isZip }) {
  if (isZip) return "Cut all images of this ZIP";
  return count !== null && count > 1 ? `Cut these ${count} images` : "Cut this image";
}

/** @param {string} label @param {string} about @param {boolean} checked @param {(checked: boolean) => void} onChange */
function choice(label, about, checked, onChange) {
  const box = h("input", { type: "checkbox", checked });
  box.onchange = () => onChange(box.checked);
  return h("label", { class: "choice" }, box, h("span", {}, h("b", {}, label), h("span", { class: "hint" }, about)));
}

customElements.define("image-options", ImageOptions);
