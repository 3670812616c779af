// Shows the cut of one image beside the image.
import { CutStage } from "./cut-stage.js";
import { button, h } from "./html.js";
import { worthALook } from "./result-parts.js";
import { explain } from "./texts.js";

/** @typedef {import("./client.js").CutImage} CutImage */

/** `<image-viewer>`: fires `compare` with files of the person as detail, and `stale` when the link of the cut has failed. */
export class ImageViewer extends HTMLElement {
  /** Whether it shows one of several images. */
  isOneOfSeveral = false;
  #stage = new CutStage();
  #about = h("p", { class: "hint", role: "status" });
  #warnings = h("div");
  #compare = h("div", { class: "row compare" });
  #turn = 0;

  connectedCallback() {
    this.replaceChildren(
      this.#stage.shows,
      this.#stage.view,
      this.#about,
      this.#warnings,
      this.#compare,
      this.#stage.tools,
    );
  }

  disconnectedCallback() {
    this.#stage.close();
  }

  /**
   * Shows a cut.
   * @param {string} name of the image @param {CutImage} image
   * @param {string | Blob} cut its address, or its bytes @param {Blob | null} before the image, if the page has it
   */
  async show(name, image, cut, before) {
    this.#turn += 1;
    const turn = this.#turn;
    this.#stage.close();
    const src = typeof cut === "string" ? cut : this.#stage.addressOf(cut);
    const size = { width: image.width ?? 1, height: image.height ?? 1 };
    const onerror = () => typeof cut === "string" && this.dispatchEvent(new Event("stale"));
    this.#stage.show(h("img", { src, alt: `The cut of ${name}`, onerror }), size);
    this.#about.textContent = describe(name, image);
    const warnings = image.report?.warnings ?? [];
    const items = warnings.map(({ message }) => h("li", {}, explain({ message })));
    this.#warnings.replaceChildren(...(items.length > 0 ? [worthALook(items)] : []));
    this.#compare.replaceChildren();
    this.#stage.offer([]);
    if (!before) return this.#ask("no longer on the server.");
    const picture = h("img", { src: this.#stage.addressOf(before), alt: "" });
    const isShown = await picture.decode().then(
      () => true,
      () => false,
    );
    if (turn !== this.#turn) return;
    if (!isShown) return this.#ask("in a format that your browser can't show.");
    this.#stage.compareWith(picture);
    this.#stage.offer([{ value: "original", label: "the original" }]);
    if (picture.naturalWidth !== size.width || picture.naturalHeight !== size.height)
      this.#ask("not as large as the cut. Is it the right one?");
  }

  /** Says why there is no image to compare with, and asks for it. @param {string} why */
  #ask(why) {
    const picker = h("input", { type: "file", accept: "image/*,.heic", multiple: this.isOneOfSeveral, hidden: true });
    picker.onchange = () => this.dispatchEvent(new CustomEvent("compare", { detail: [...(picker.files ?? [])] }));
    const label = this.isOneOfSeveral ? "Choose the originals" : "Choose the original";
    this.#compare.replaceChildren(
      h("p", { class: "hint" }, `The original is ${why}`),
      button(label, () => picker.click(), {}),
      picker,
    );
  }
}

/** @param {string} name @param {CutImage} image */
const describe = (name, image) => `${name} · ${image.width} × ${image.height} · ${methodOf(image)}`;

/** How the background was found. @param {CutImage} image */
export function methodOf({ method, model, reason, detectedBackgroundColor: color }) {
  if (reason === "transparent") return "already transparent";
  if (method === "ai") return model ? `by the model ${model}` : "by a neural model";
  return color ? `by color, ${color.hex}` : "by color";
}

customElements.define("image-viewer", ImageViewer);
