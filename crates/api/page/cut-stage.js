// Shows a cut over any backdrop, what was cut, the matte, or two of them at once, magnified: what clips and images have in common.
import { button, h, icon, uniqueId } from "./html.js";
import { put } from "./pointing.js";
import { StageZoom } from "./stage-zoom.js";

/** What is shown. @typedef {"original" | "cut" | "matte" | "compare"} Shown */

const SHOWN = [
  ["original", "Original"],
  ["cut", "Cut"],
  ["matte", "Matte"],
  ["compare", "Compare"],
];
/** How two are compared. */
const WAYS = [
  ["slider", "Slider"],
  ["side", "Side by side"],
  ["switch", "A/B"],
  ["difference", "Difference"],
];

/** What the cut is compared with, by a name. @typedef {{ value: string, label: string }} Other */

/** Elements for a viewer to place: `shows`, which chooses what is seen, `view`, with the cut, and `tools`, which change how it is seen. */
export class CutStage {
  #sheet = h("div", { class: "sheet" });
  view = h("div", { class: "view", tabIndex: 0, role: "group", "aria-label": "The cut" }, this.#sheet);
  zoom = new StageZoom(this.view, this.#sheet);
  #cut = h("div", { class: "cut" });
  shows = pills("Show", SHOWN, "cut", () => this.#show());
  #ways = pills("How", WAYS, "slider", () => this.#show());
  #others = h("select", { "aria-label": "Compare with" });
  #withOther = h("fieldset", { class: "tool" }, h("legend", {}, "Compare with"), this.#others);
  #flip = button("Show the other", () => this.flip());
  #addresses = /** @type {string[]} */ ([]);
  #picture = "";
  tools = h("div", { class: "tools" });
  /** Is told what the cut is to be compared with. @type {(value: string) => void} */
  onother = () => {};
  /** Is told that something else is shown. @type {() => void} */
  onshow = () => {};

  constructor() {
    this.#sheet.append(this.#cut);
    this.#others.onchange = () => this.onother(this.#others.value);
    this.tools.append(this.#withOther, this.#ways, this.#flip, this.#backdrops(), this.zoom.tool);
    this.view.addEventListener("keydown", this.#key);
    this.offer([]);
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== this.view || event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const acts = {
      1: () => this.choose("original"),
      2: () => this.choose("cut"),
      3: () => this.choose("matte"),
      4: () => this.choose("compare"),
      b: () => this.flip(),
      "+": () => this.zoom.step(1),
      "-": () => this.zoom.step(-1),
      0: () => this.zoom.fit(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  /** What is shown now. @returns {Shown} */
  get shown() {
    return /** @type {Shown} */ (this.#sheet.dataset.show);
  }

  /** Whether the cut is shown beside or over another. */
  get showsBoth() {
    return this.shown === "original" || this.shown === "compare";
  }

  /** Whether a frame is compared to the pixel. */
  get isExact() {
    return this.#sheet.dataset.way === "difference";
  }

  /** Shows a cut, and nothing beside it. @param {HTMLElement} cut @param {{ width: number, height: number }} size in pixels */
  show(cut, { width, height }) {
    this.#sheet.style.setProperty("--ratio", `${width} / ${height}`);
    this.#sheet.style.setProperty("--width", `${width}px`);
    this.#sheet.style.setProperty("--aspect", String(width / height));
    this.#cut.replaceChildren(cut);
    this.compareWith(null);
  }

  /** Offers what the cut can be compared with; `original` is what was cut. @param {Other[]} others */
  offer(others) {
    const { value } = this.#others;
    this.#others.replaceChildren(...others.map(({ value, label }) => h("option", { value }, label)));
    if (others.some((other) => other.value === value)) this.#others.value = value;
    choiceOf(this.shows, "original").disabled = others.every((other) => other.value !== "original");
    choiceOf(this.shows, "compare").disabled = others.length === 0;
    this.#show();
  }

  /** Shows something: as its button does. @param {Shown} shown */
  choose(shown) {
    const box = choiceOf(this.shows, shown);
    if (box.disabled) return;
    box.checked = true;
    this.#show();
  }

  /** Compares with another. @param {string} value */
  chooseOther(value) {
    this.#others.value = value;
    this.choose("compare");
    this.onother(value);
  }

  /** Lays what was cut, or another cut, beside the cut; nothing with null. @param {HTMLElement | null} before @param {boolean} [isCut] */
  compareWith(before, isCut = false) {
    // The cut stays where it is: a player that is moved starts again.
    for (const old of [...this.#sheet.children]) if (old !== this.#cut) old.remove();
    this.#sheet.classList.toggle("has-before", before !== null);
    if (!before) return this.#show();
    before.className = isCut ? "before is-cut" : "before";
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
    this.#show();
  }

  /** Marks a rectangle of the cut; none with null. @param {import("./client.js").Box | null} box in shares */
  mark(box) {
    this.#cut.querySelector(".look-at")?.remove();
    if (!box) return;
    const frame = h("span", { class: "look-at" });
    put(frame, box);
    frame.style.width = `${box.width * 100}%`;
    frame.style.height = `${box.height * 100}%`;
    this.#cut.append(frame);
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

  #show() {
    const shown = chosenOf(this.shows);
    const way = chosenOf(this.#ways);
    const isCompared = shown === "compare";
    this.#withOther.hidden = !isCompared;
    this.#ways.hidden = !isCompared;
    this.#flip.hidden = !isCompared || way !== "switch";
    this.#sheet.dataset.show = shown;
    this.#sheet.dataset.way = isCompared ? way : "";
    if (way !== "switch") this.#sheet.classList.remove("is-b");
    const split = this.#sheet.querySelector(".split");
    if (split instanceof HTMLInputElement) split.disabled = !isCompared || way !== "slider";
    this.onshow();
  }

  /** Shows the other one of the two that are compared. */
  flip() {
    this.choose("compare");
    choiceOf(this.#ways, "switch").checked = true;
    this.#show();
    this.#sheet.classList.toggle("is-b");
  }

  #backdrops() {
    const set = (/** @type {string} */ kind, /** @type {string} */ value = "") => {
      this.#sheet.dataset.backdrop = kind;
      this.#sheet.style.setProperty("--backdrop", value || null);
    };
    set("checker");
    const color = h("input", { type: "color", value: "#6d5dfc", "aria-label": "Backdrop color" });
    color.oninput = () => {
      choose("color");
      set("", color.value);
    };
    const picker = h("input", { type: "file", accept: "image/*", hidden: true });
    picker.onchange = () => {
      const file = picker.files?.[0];
      if (!file) return;
      // It stays while one image after another is shown.
      URL.revokeObjectURL(this.#picture);
      this.#picture = URL.createObjectURL(file);
      set("", `center / cover no-repeat url("${this.#picture}")`);
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
}

/** A choice of one. @param {string} legend @param {string[][]} choices @param {string} chosen @param {() => void} onchange */
function pills(legend, choices, chosen, onchange) {
  const name = uniqueId();
  const boxes = choices.map(([value, label]) =>
    h(
      "label",
      { class: "pill" },
      h("input", { type: "radio", name, value, checked: value === chosen, onchange }),
      label,
    ),
  );
  return h("fieldset", { class: "tool" }, h("legend", {}, legend), ...boxes);
}

/** @param {HTMLElement} group @param {string} value */
const choiceOf = (group, value) => /** @type {HTMLInputElement} */ (group.querySelector(`[value=${value}]`));

/** @param {HTMLElement} group */
const chosenOf = (group) => /** @type {HTMLInputElement} */ (group.querySelector(":checked")).value;
