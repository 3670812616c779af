// Adds clips and images: dropped anywhere on the page, pasted, chosen, or by their URL.
import { Clip } from "./clip.js";
import { droppedFiles } from "./dropped-files.js";
import { kindOf } from "./file-kind.js";
import { h, icon, uniqueId } from "./html.js";
import { ImageSet } from "./image-set.js";

/** The extensions by which an address names an image that is no clip. */
const STILL_ADDRESS = /\.(jpe?g|png|heic|heif|avif)$/i;

/** One job takes so many images. */
const MAX_IMAGES = 500;

/** @typedef {import("./item.js").Item} Item */

/** `<clip-drop>`: fires `items` with the clips and the sets of images as detail. */
export class ClipDrop extends HTMLElement {
  #depth = 0;
  #nothing = h("p", { class: "problem", role: "alert" }, "No videos or images in that folder.");

  connectedCallback() {
    const id = uniqueId();
    const picker = h("input", {
      type: "file",
      multiple: true,
      accept: "video/*,image/*,.heic,.mkv,.avi,.ts,.mts,.m2ts,.vob,.flv,.wmv,.mxf,.ogv,.dv,.zip",
      id,
      class: "sr-only",
    });
    picker.onchange = () => {
      if (picker.files?.length) this.#addFiles([...picker.files]);
      picker.value = "";
    };
    const address = h("input", {
      type: "url",
      name: "address",
      placeholder: "https://…",
      required: true,
      "aria-label": "URL of a video or an image",
    });
    const form = h("form", { class: "address" }, address, h("button", { type: "submit" }, "Add"));
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#add([ofAddress(address.value.trim())]);
      form.reset();
    };
    this.replaceChildren(
      h(
        "div",
        { class: "drop" },
        icon("clip"),
        h("p", { class: "drop-lead" }, "Drop a video here"),
        h("p", { class: "drop-hint" }, "Or images, a folder or a ZIP. Works best on a plain background of any color."),
        h("label", { for: id, class: "button primary" }, "Choose files"),
        picker,
        h("details", {}, h("summary", {}, "or paste a URL"), form),
      ),
    );
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) document.addEventListener(type, this.#drag);
    document.addEventListener("paste", this.#paste);
  }

  disconnectedCallback() {
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) document.removeEventListener(type, this.#drag);
    document.removeEventListener("paste", this.#paste);
  }

  /** @param {Item[]} items */
  #add(items) {
    if (items.length) this.dispatchEvent(new CustomEvent("items", { detail: items }));
  }

  /** @param {File[] | Promise<File[]>} files */
  async #addFiles(files) {
    const items = await sorted(await files);
    this.#nothing.remove();
    if (items.length === 0) this.querySelector(".drop")?.append(this.#nothing);
    this.#add(items);
  }

  #drag = (/** @type {Event} */ event) => {
    const { dataTransfer, type } = /** @type {DragEvent} */ (event);
    if (!dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (type === "dragenter") this.#depth += 1;
    if (type === "dragleave") this.#depth -= 1;
    if (type === "drop") {
      this.#depth = 0;
      this.#addFiles(droppedFiles(dataTransfer));
    }
    document.body.classList.toggle("is-dropping", this.#depth > 0);
  };

  #paste = (/** @type {ClipboardEvent} */ event) => {
    const { target, clipboardData } = event;
    if (target instanceof HTMLInputElement || !clipboardData) return;
    const files = [...clipboardData.files];
    const text = clipboardData.getData("text").trim();
    if (files.length) this.#addFiles(files);
    else if (/^https?:\/\/\S+$/.test(text)) this.#add([ofAddress(text)]);
  };
}

/** Each clip and each ZIP by itself, and the images as one set. @param {File[]} files @returns {Promise<Item[]>} */
async function sorted(files) {
  // A file that cannot be read is refused when it is sent.
  const kinds = await Promise.all(files.map((file) => kindOf(file).catch(() => "clip")));
  const of = (/** @type {import("./file-kind.js").Kind} */ kind) => files.filter((_, at) => kinds[at] === kind);
  const [clips, images, zips] = [of("clip"), of("image"), of("zip")];
  const sets = Array.from({ length: Math.ceil(images.length / MAX_IMAGES) }, (_, at) =>
    images.slice(at * MAX_IMAGES, (at + 1) * MAX_IMAGES),
  );
  return [...clips.map(Clip.ofFile), ...sets.map(ImageSet.ofFiles), ...zips.map(ImageSet.ofZip)];
}

/** @param {string} address */
const ofAddress = (address) =>
  STILL_ADDRESS.test(address.split(/[?#]/)[0]) ? ImageSet.ofAddress(address) : Clip.ofAddress(address);

customElements.define("clip-drop", ClipDrop);
