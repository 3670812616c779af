// Adds clips: dropped anywhere on the page, pasted, chosen, or by their address.
import { Clip } from "./clip.js";
import { h, icon, uniqueId } from "./html.js";

/** `<clip-drop>`: fires `clips` with the clips as detail. */
export class ClipDrop extends HTMLElement {
  #depth = 0;

  connectedCallback() {
    const id = uniqueId();
    const picker = h("input", {
      type: "file",
      multiple: true,
      accept:
        "video/*,image/gif,image/apng,image/webp,image/avif,.mkv,.avi,.ts,.mts,.m2ts,.vob,.flv,.wmv,.mxf,.ogv,.dv,.zip",
      id,
      class: "sr-only",
    });
    picker.onchange = () => {
      this.#add([...(picker.files ?? [])].map(Clip.ofFile));
      picker.value = "";
    };
    const address = h("input", {
      type: "url",
      name: "address",
      placeholder: "https://…",
      required: true,
      "aria-label": "Address of a clip on the web",
    });
    const form = h("form", { class: "address" }, address, h("button", { type: "submit" }, "Fetch"));
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#add([Clip.ofAddress(address.value.trim())]);
      form.reset();
    };
    this.replaceChildren(
      h(
        "div",
        { class: "drop" },
        icon("clip"),
        h("p", { class: "drop-lead" }, "Drop a clip on a plain background"),
        h("p", { class: "drop-hint" }, "Any color, even an uneven one. Several at once, if you like."),
        h("label", { for: id, class: "button primary" }, "Choose clips"),
        picker,
        h("details", {}, h("summary", {}, "or give an address"), form),
      ),
    );
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) document.addEventListener(type, this.#drag);
    document.addEventListener("paste", this.#paste);
  }

  disconnectedCallback() {
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) document.removeEventListener(type, this.#drag);
    document.removeEventListener("paste", this.#paste);
  }

  /** @param {Clip[]} clips */
  #add(clips) {
    if (clips.length) this.dispatchEvent(new CustomEvent("clips", { detail: clips }));
  }

  #drag = (/** @type {Event} */ event) => {
    const { dataTransfer, type } = /** @type {DragEvent} */ (event);
    if (!dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (type === "dragenter") this.#depth += 1;
    if (type === "dragleave") this.#depth -= 1;
    if (type === "drop") {
      this.#depth = 0;
      this.#add([...dataTransfer.files].map(Clip.ofFile));
    }
    document.body.classList.toggle("is-dropping", this.#depth > 0);
  };

  #paste = (/** @type {ClipboardEvent} */ event) => {
    const { target, clipboardData } = event;
    if (target instanceof HTMLInputElement || !clipboardData) return;
    const files = [...clipboardData.files];
    const text = clipboardData.getData("text").trim();
    if (files.length) this.#add(files.map(Clip.ofFile));
    else if (/^https?:\/\/\S+$/.test(text)) this.#add([Clip.ofAddress(text)]);
  };
}

customElements.define("clip-drop", ClipDrop);
