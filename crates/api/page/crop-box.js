// The rectangle of the frame that is cut, over the frame: its corners and its middle are dragged, or moved with the arrow keys.
import { h } from "./html.js";

/** @typedef {import("./clip-part.js").Rect} Rect */
/** @typedef {{ width: number, height: number }} FrameSize */
/** A corner, or the middle. @typedef {"top left" | "top right" | "bottom left" | "bottom right" | "middle"} Grip */

/** @type {Grip[]} */
const GRIPS = ["middle", "top left", "top right", "bottom left", "bottom right"];
/** The shortest side of the box, in pixels of the clip. */
const LEAST_PX = 16;
/** How far an arrow key moves a grip, in pixels of the clip; with Shift, ten times as far. */
const STEP_PX = 2;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const even = (/** @type {number} */ pixels) => 2 * Math.round(pixels / 2);
const within = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) =>
  Math.min(most, Math.max(least, value));

/** A rectangle after one of its grips was moved, in a frame. All four numbers are even. @param {Rect} rect @param {Grip} grip @param {number} right @param {number} down @param {FrameSize} frame @returns {Rect} */
export function moved(rect, grip, right, down, frame) {
  const [width, height] = [2 * Math.floor(frame.width / 2), 2 * Math.floor(frame.height / 2)];
  let [x, y, x2, y2] = [rect.x, rect.y, rect.x + rect.width, rect.y + rect.height].map(even);
  const [dx, dy] = [even(right), even(down)];
  if (grip === "middle") {
    x = within(x + dx, 0, width - (x2 - x));
    y = within(y + dy, 0, height - (y2 - y));
    return { x, y, width: rect.width, height: rect.height };
  }
  if (grip.endsWith("left")) x = within(x + dx, 0, Math.max(0, x2 - LEAST_PX));
  else x2 = within(x2 + dx, Math.min(width, x + LEAST_PX), width);
  if (grip.startsWith("top")) y = within(y + dy, 0, Math.max(0, y2 - LEAST_PX));
  else y2 = within(y2 + dy, Math.min(height, y + LEAST_PX), height);
  return { x, y, width: x2 - x, height: y2 - y };
}

/** `<crop-box>`: fires `crop` with the rectangle as detail, as `X,Y,WIDTH,HEIGHT` in pixels of the clip. */
export class CropBox extends HTMLElement {
  #rect = { x: 0, y: 0, width: 0, height: 0 };
  #frame = { width: 1, height: 1 };
  #grips = new Map(GRIPS.map((grip) => [grip, this.#grip(grip)]));
  #area = h("div", { class: "crop-area" }, ...this.#grips.values());

  connectedCallback() {
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", "Crop");
    this.replaceChildren(this.#area);
  }

  /** Shows a rectangle of a frame, in pixels. @param {Rect} rect @param {FrameSize} frame */
  show(rect, frame) {
    this.#rect = rect;
    this.#frame = frame;
    const { x, y, width, height } = rect;
    const share = (/** @type {number} */ pixels, /** @type {number} */ side) => `${(100 * pixels) / side}%`;
    Object.assign(this.#area.style, {
      left: share(x, frame.width),
      top: share(y, frame.height),
      width: share(width, frame.width),
      height: share(height, frame.height),
    });
    for (const [grip, element] of this.#grips) {
      const where = grip === "middle" ? "Box" : `Corner ${grip}`;
      const how = "Drag it, or move it with the arrow keys.";
      element.setAttribute("aria-label", `${where}: ${width} × ${height} pixels at ${x}, ${y}. ${how}`);
    }
  }

  /** @param {Grip} grip */
  #grip(grip) {
    const element = h("span", { class: "crop-grip", "data-grip": grip, tabIndex: 0, role: "application" });
    let [from, rect] = [{ x: 0, y: 0 }, this.#rect];
    element.onpointerdown = (event) => {
      [from, rect] = [{ x: event.clientX, y: event.clientY }, this.#rect];
      element.setPointerCapture(event.pointerId);
      element.focus();
      event.preventDefault();
    };
    element.onpointermove = (event) => {
      if (!element.hasPointerCapture(event.pointerId)) return;
      const scale = this.#frame.width / this.getBoundingClientRect().width;
      this.#move(rect, grip, (event.clientX - from.x) * scale, (event.clientY - from.y) * scale);
    };
    element.onkeydown = (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      event.preventDefault();
      const step = STEP_PX * (event.shiftKey ? 10 : 1);
      this.#move(this.#rect, grip, arrow[0] * step, arrow[1] * step);
    };
    return element;
  }

  /** @param {Rect} rect @param {Grip} grip @param {number} right @param {number} down */
  #move(rect, grip, right, down) {
    const next = moved(rect, grip, right, down, this.#frame);
    this.show(next, this.#frame);
    const detail = [next.x, next.y, next.width, next.height].join(",");
    this.dispatchEvent(new CustomEvent("crop", { detail }));
  }
}

customElements.define("crop-box", CropBox);
