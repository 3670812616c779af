// One image of a result as a small picture, with its method or its error, and a button that downloads it.
import { button, h, icon } from "./html.js";
import { methodOf } from "./image-viewer.js";
import { save } from "./save.js";
import { explain } from "./texts.js";

/** The longer side of the small picture. */
const PICTURE_PX = 320;

/** `<image-tile>`, an item of a list: fires `choose` when it is clicked, and `unreadable` with what went wrong as detail. */
export class ImageTile extends HTMLElement {
  name = "";
  /** @type {import("./client.js").CutImage | null} */
  image = null;
  /** Reads its PNG. @type {() => Promise<Blob>} */
  read = () => Promise.reject(new Error("nothing to read"));
  #picture = h("canvas", { "aria-hidden": "true" });
  #button = h("button", {
    type: "button",
    class: "tile checker",
    onclick: () => this.dispatchEvent(new Event("choose")),
  });
  /** Draws the picture once it is near the window: a result may have hundreds. */
  #sight = new IntersectionObserver(
    (seen) => {
      if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
      this.#sight.disconnect();
      this.#draw();
    },
    { rootMargin: "200px" },
  );

  connectedCallback() {
    const { name, image } = this;
    if (!image) return;
    this.setAttribute("role", "listitem");
    const title = h("span", { class: "tile-name", title: name }, name);
    if (image.status === "failed") {
      const why = h("p", { class: "problem" }, explain(image.error ?? {}));
      return this.replaceChildren(h("div", { class: "tile failed" }, icon("alert")), title, why);
    }
    this.#button.setAttribute("aria-label", `Show ${name}`);
    this.#button.replaceChildren(this.#picture);
    const download = button(`Download the cut of ${name}`, () => this.#download(), { icon: "down", isBare: true });
    const isDoubtful = (image.report?.warnings.length ?? 0) > 0;
    const about = isDoubtful ? "Worth a look" : methodOf(image);
    const text = h("div", { class: "tile-text" }, title, h("span", { class: "hint" }, about));
    this.replaceChildren(this.#button, h("div", { class: "tile-foot" }, text, download));
    this.#sight.observe(this);
  }

  disconnectedCallback() {
    this.#sight.disconnect();
  }

  /** @param {boolean} isChosen */
  set isChosen(isChosen) {
    this.#button.setAttribute("aria-current", String(isChosen));
  }

  /** Runs `act` with the PNG. @param {(png: Blob) => unknown} act */
  async #with(act) {
    try {
      await act(await this.read());
    } catch (problem) {
      this.dispatchEvent(new CustomEvent("unreadable", { detail: problem }));
    }
  }

  #draw() {
    return this.#with(async (png) => {
      const { width, height } = this.image ?? {};
      const side = (width ?? 1) > (height ?? 1) ? "resizeWidth" : "resizeHeight";
      const options = { [side]: PICTURE_PX, resizeQuality: /** @type {"medium"} */ ("medium") };
      const bitmap = await createImageBitmap(png, options).catch(() => null);
      if (!bitmap) return this.#picture.replaceWith(icon("image"));
      [this.#picture.width, this.#picture.height] = [bitmap.width, bitmap.height];
      this.#picture.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
    });
  }

  #download() {
    return this.#with((png) => {
      save(png, this.image?.file?.split("/").pop() ?? "");
    });
  }
}

customElements.define("image-tile", ImageTile);
