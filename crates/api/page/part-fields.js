// The part of a clip and of its frames as fields of the options, beside the handles and the box of the preview.
import { Clip } from "./clip.js";
import { h, uniqueId } from "./html.js";

/** Shapes of frames that are proposed. */
const SHAPES = ["auto", "auto:1:1", "1:1", "4:5", "9:16", "16:9"];

/** `<part-fields>`: fires `part` when a field has changed the part of its clip. */
export class PartFields extends HTMLElement {
  clip = new Clip();
  #from = this.#time("trim-start", "start");
  #to = this.#time("trim-end", "end");
  #crop = h("input", { id: uniqueId(), name: "crop", placeholder: "whole frame" });

  connectedCallback() {
    const id = this.#crop.id;
    const shapes = h("datalist", { id: `${id}-shapes` }, ...SHAPES.map((value) => h("option", { value })));
    this.#crop.setAttribute("list", shapes.id);
    this.#crop.setAttribute("aria-describedby", `${id}-hint`);
    this.#crop.onchange = () => {
      this.clip.crop = this.#crop.value.replaceAll(/\s/g, "");
      this.#tell();
    };
    this.replaceChildren(
      h(
        "div",
        { class: "field" },
        h(
          "div",
          { class: "row spread" },
          h("label", { for: this.#from.id }, "Trim"),
          h("span", { class: "row" }, this.#from, "to", this.#to),
        ),
        h("p", { class: "hint" }, "In seconds, or as hh:mm:ss.mmm. Leave empty for the whole clip."),
      ),
      h(
        "div",
        { class: "field" },
        h("div", { class: "row spread" }, h("label", { for: id }, "Crop"), this.#crop, shapes),
        h(
          "p",
          { class: "hint", id: `${id}-hint` },
          "A shape such as 1:1, X,Y,WIDTH,HEIGHT in even pixels, auto for the subject, or auto:1:1 around it.",
        ),
      ),
    );
    this.show();
  }

  /** Shows the part of the clip. */
  show() {
    [this.#from.value, this.#to.value = ""] = this.clip.trim.split(",");
    this.#crop.value = this.clip.crop;
  }

  /** @param {string} name @param {string} label */
  #time(name, label) {
    const input = h("input", { id: uniqueId(), name, placeholder: label, "aria-label": label });
    input.onchange = () => {
      const [start, end] = [this.#from, this.#to].map(({ value }) => value.replaceAll(/\s/g, ""));
      this.clip.trim = start || end ? `${start},${end}` : "";
      this.#tell();
    };
    return input;
  }

  #tell() {
    this.dispatchEvent(new Event("part"));
  }
}

customElements.define("part-fields", PartFields);
