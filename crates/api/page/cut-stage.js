// Shows a cut over any backdrop, beside what was cut, as a matte, magnified: what clips and images have in common.
import { h, icon, uniqueId } from "./html.js";

const ZOOMS = [
  ["fit", "Fit"],
  ["1", "100 %"],
  ["4", "400 %"],
  ["8", "800 %"],
];

/** Two elements for a viewer to place: `view`, with the cut, and `tools`, which change how it is seen. */
export class CutStage {
  view = h("div", { class: "view", tabIndex: 0, role: "group", "aria-label": "The cut, zoomable" });
  tools = h("div", { class: "tools" });
  #sheet = h("div", { class: "sheet" });
  #cut = h("div", { class: "cut checker" });
  #addresses = /** @type {string[]} */ ([]);

  constructor() {
    this.#sheet.append(this.#cut);
    this.view.append(this.#sheet);
    this.tools.append(this.#backdrops(), this.#matte(), this.#zoom());
  }

  /** Shows a cut, and nothing beside it. @param {HTMLElement} cut @param {{ width: number, height: number }} size in pixels */
  show(cut, { width, height }) {
    this.#sheet.style.setProperty("--ratio", `${width} / ${height}`);
    this.#sheet.style.setProperty("--width", `${width}px`);
    this.#sheet.style.setProperty("--aspect", String(width / height));
    this.#cut.replaceChildren(cut);
    this.compareWith(null);
  }

  /** Shows what was cut beside the cut, with a slider between; nothing with null. @param {HTMLElement | null} before */
  compareWith(before) {
    // The cut stays where it is: a player that is moved starts again.
    for (const old of [...this.#sheet.children]) if (old !== this.#cut) old.remove();
    this.#sheet.classList.toggle("has-before", before !== null);
    if (!before) return;
    before.className = "before";
    before.setAttribute("aria-hidden", "true");
    const split = h("input", {
      type: "range",
      class: "split",
      min: "0",
      max: "100",
      step: "0.5",
      value: "50",
      "aria-label": "Before and after",
    });
    const place = () => this.#sheet.style.setProperty("--split", `${split.value}%`);
    split.oninput = place;
    this.#sheet.append(before, h("span", { class: "split-line" }, icon("split")), split);
    place();
  }

  /** The address of a file, until the stage is closed. @param {Blob} blob */
  addressOf(blob) {
    const address = URL.createObjectURL(blob);
    this.#addresses.push(address);
    return address;
  }

  /** Forgets the files that it shows. */
  close() {
    for (const address of this.#addresses.splice(0)) URL.revokeObjectURL(address);
  }

  #backdrops() {
    const set = (/** @type {string} */ kind, /** @type {string} */ value = "") => {
      this.#cut.className = `cut ${kind}`;
      this.#cut.style.background = value;
    };
    const color = h("input", { type: "color", value: "#6d5dfc", "aria-label": "Backdrop color" });
    color.oninput = () => {
      choose("color");
      set("", color.value);
    };
    const picker = h("input", { type: "file", accept: "image/*", hidden: true });
    picker.onchange = () => {
      const file = picker.files?.[0];
      if (file) set("", `center / cover no-repeat url("${this.addressOf(file)}")`);
    };
    const name = uniqueId();
    const radio = (/** @type {string} */ value, /** @type {string} */ label, /** @type {() => void} */ act) => {
      const box = h("input", { type: "radio", name, value, checked: value === "checker" });
      box.onchange = act;
      return h("label", { class: "pill" }, box, h("span", { class: `chip ${value}` }), label);
    };
    const group = h(
      "fieldset",
      { class: "tool" },
      h("legend", {}, "Backdrop"),
      radio("checker", "Checkerboard", () => set("checker")),
      radio("black", "Black", () => set("black")),
      radio("white", "White", () => set("white")),
      radio("color", "Color", () => set("", color.value)),
      color,
      radio("image", "Image", () => picker.click()),
      picker,
    );
    const choose = (/** @type {string} */ value) => {
      for (const box of group.querySelectorAll("input")) if (box.type === "radio") box.checked = box.value === value;
    };
    return group;
  }

  #matte() {
    const box = h("input", { type: "checkbox" });
    box.onchange = () => this.#sheet.classList.toggle("is-matte", box.checked);
    return h("fieldset", { class: "tool" }, h("legend", {}, "Show"), h("label", { class: "pill" }, box, "Matte only"));
  }

  #zoom() {
    const name = uniqueId();
    const choices = ZOOMS.map(([value, label]) => {
      const box = h("input", { type: "radio", name, value, checked: value === "fit" });
      box.onchange = () => {
        this.view.dataset.zoom = value;
        this.#sheet.style.setProperty("--zoom", value === "fit" ? "1" : value);
        if (value !== "fit") this.view.scrollTo(this.view.scrollWidth / 4, this.view.scrollHeight / 4);
      };
      return h("label", { class: "pill" }, box, label);
    });
    this.view.dataset.zoom = "fit";
    return h("fieldset", { class: "tool" }, h("legend", {}, "Zoom"), ...choices);
  }
}
