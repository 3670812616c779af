// The options of images, before they are sent.
import { ClipFrame } from "./clip-frame.js";
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

/** `<image-options>`: fires `cut` when the form is submitted, `discard`, and `as-clip` for a ZIP that holds frames. */
export class ImageOptions extends HTMLElement {
  set = new ImageSet();
  options = storedImageOptions();
  /** @type {import("./client.js").Client | null} */
  client = null;
  #background = new BackgroundField();
  #problem = h("p", { class: "problem", role: "alert" });
  #byColor = h("div", { class: "options" });
  /** @type {string[]} */
  #addresses = [];

  connectedCallback() {
    const { set, options } = this;
    const [file] = set.files;
    const isOne = set.count === 1;
    this.#background.measured = isOne ? "is measured" : "is measured in each image";
    this.#background.advice = isOne
      ? "Click the image to pick the color, if the measured one is wrong."
      : "Choose a color, if all images have it.";
    this.#background.addEventListener("pick", (event) => this.#setKey(/** @type {CustomEvent} */ (event).detail));
    const tolerance = toleranceField(options.tolerance, (value) => {
      options.tolerance = value;
    });
    const shadow = choice(
      "Keep shadows",
      "As translucent black. Otherwise they go, too.",
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
      methodField(this.client, options.method, (value) => {
        options.method = value;
        this.#show();
      }),
      this.#byColor,
      choice("Soft edges", "Otherwise each pixel is opaque or clear.", options.smoothEdges, (isSoft) => {
        options.smoothEdges = isSoft;
      }),
      this.#problem,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit", class: "primary large" }, title(set)),
        button("Discard", tell("discard"), { class: "quiet" }),
      ),
      set.isZip &&
        h(
          "p",
          { class: "hint" },
          "Are they the frames of one clip? ",
          button("Cut them as a clip", tell("as-clip"), {}),
        ),
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

  /** @param {string | null} color */
  #setKey(color) {
    this.set.keyColor = color;
    this.#background.show(color);
  }

  #show = () => {
    this.#problem.textContent = this.set.problem;
    this.#problem.hidden = !this.set.problem;
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
    if (isZip) return said("The images in this ZIP are cut one by one, and come back as a ZIP.");
    if (address) return said("An image is shown here when it is a file of yours.");
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
  if (isZip) return "Remove the background of all";
  return count !== null && count > 1 ? `Remove the background of ${count} images` : "Remove the background";
}

/** @param {string} label @param {string} about @param {boolean} checked @param {(checked: boolean) => void} onChange */
function choice(label, about, checked, onChange) {
  const box = h("input", { type: "checkbox", checked });
  box.onchange = () => onChange(box.checked);
  return h("label", { class: "choice" }, box, h("span", {}, h("b", {}, label), h("span", { class: "hint" }, about)));
}

customElements.define("image-options", ImageOptions);
