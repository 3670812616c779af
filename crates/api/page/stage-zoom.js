// Magnifies a sheet in its view at the pointer, and moves it by dragging.
import { h, uniqueId } from "./html.js";

/** The size of a pixel of the cut on the screen; `fit` shows all of it. */
const ZOOMS = [
  ["fit", "Fit"],
  ["1", "100 %"],
  ["2", "200 %"],
  ["4", "400 %"],
  ["8", "800 %"],
];

/** @typedef {{ clientX: number, clientY: number }} Place */

/** The zoom of `sheet`, which scrolls in `view`. `tool` chooses it. */
export class StageZoom {
  /** @type {HTMLInputElement[]} */
  #boxes = [];
  tool = h("fieldset", { class: "tool" }, h("legend", {}, "Zoom"));

  /** @param {HTMLElement} view @param {HTMLElement} sheet */
  constructor(view, sheet) {
    this.view = view;
    this.sheet = sheet;
    view.dataset.zoom = "fit";
    const name = uniqueId();
    for (const [value, label] of ZOOMS) {
      const box = h("input", { type: "radio", name, value, checked: value === "fit" });
      box.onchange = () => this.#set(value);
      this.#boxes.push(box);
      this.tool.append(h("label", { class: "pill" }, box, label));
    }
    view.ondblclick = (event) => this.#set(this.#value === "fit" ? "2" : "fit", event);
    view.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    view.onpointerdown = (event) => this.#drag(event);
  }

  get #value() {
    return this.view.dataset.zoom ?? "fit";
  }

  /** One step nearer or further, at a place of the window; the middle of the view without one. @param {1 | -1} by @param {Place} [place] */
  step(by, place) {
    const at = ZOOMS.findIndex(([value]) => value === this.#value) + by;
    if (ZOOMS[at]) this.#set(ZOOMS[at][0], place);
  }

  /** Shows all of it. */
  fit() {
    this.#set("fit");
  }

  /** What is at `place` stays there. @param {string} value @param {Place} [place] */
  #set(value, place = middleOf(this.view)) {
    const before = this.sheet.getBoundingClientRect();
    const [x, y] = [(place.clientX - before.left) / before.width, (place.clientY - before.top) / before.height];
    this.view.dataset.zoom = value;
    this.sheet.style.setProperty("--zoom", value === "fit" ? "1" : value);
    for (const box of this.#boxes) box.checked = box.value === value;
    const after = this.sheet.getBoundingClientRect();
    this.view.scrollLeft += after.left + x * after.width - place.clientX;
    this.view.scrollTop += after.top + y * after.height - place.clientY;
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    // Without a modifier, the wheel scrolls the page.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.step(event.deltaY < 0 ? 1 : -1, event);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const { view } = this;
    const isSlider = event.target instanceof HTMLInputElement;
    if (this.#value === "fit" || event.button !== 0 || isSlider || event.pointerType === "touch") return;
    event.preventDefault();
    view.focus({ preventScroll: true });
    const from = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop };
    view.setPointerCapture(event.pointerId);
    view.classList.add("is-dragged");
    view.onpointermove = ({ clientX, clientY }) => view.scrollTo(from.x - clientX, from.y - clientY);
    view.onlostpointercapture = () => {
      view.onpointermove = null;
      view.classList.remove("is-dragged");
    };
  }
}

/** @param {Element} element @returns {Place} */
function middleOf(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { clientX: left + width / 2, clientY: top + height / 2 };
}
