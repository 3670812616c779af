// The hints of a clip, over the cut of one of its frames.
import { Clip } from "./clip.js";
import { button, h } from "./html.js";
import { pointOf, put, steered } from "./pointing.js";
import { formatTime } from "./texts.js";

/** @typedef {import("./clip.js").Hint} Hint */

/** A hint is shown on the frames that are so near to its time. */
const SAME_FRAME_SECS = 0.02;
/** Alpha from which a click removes; below it keeps. */
const SOLID = 128;

const HOW =
  "The cut of this frame. Click a hole to keep it, or a leftover to remove it; or move with the arrow keys and press Enter.";

/** `<hint-layer>`: lies over the preview of a frame; fires `change` when a hint was added. */
export class HintLayer extends HTMLElement {
  clip = new Clip();
  /** The time of the frame, in seconds. */
  time = 0;
  #cross = h("span", { class: "cross", hidden: true });
  #at = { x: 0.5, y: 0.5 };
  /** @type {HTMLImageElement | null} */
  #image = null;

  connectedCallback() {
    this.tabIndex = 0;
    this.setAttribute("role", "application");
    this.setAttribute("aria-label", HOW);
    this.onpointermove = (/** @type {PointerEvent} */ event) => this.#point(pointOf(event, this));
    this.onpointerleave = () => {
      this.#cross.hidden = document.activeElement !== this;
    };
    this.onclick = (/** @type {MouseEvent} */ event) => {
      this.#point(pointOf(event, this));
      this.#add();
    };
    this.onkeydown = (/** @type {KeyboardEvent} */ event) => {
      const point = steered(event, this.#at);
      if (event.key === "Enter" || event.key === " ") this.#add();
      else if (!point) return;
      event.preventDefault();
      if (point) this.#point(point);
    };
    this.onfocus = () => this.#point(this.#at);
    this.onblur = () => {
      this.#cross.hidden = true;
    };
  }

  /** Covers `image`, a cut of the frame at `time`. @param {HTMLImageElement} image @param {number} time */
  cover(image, time) {
    this.#image = image;
    this.time = time;
    this.style.aspectRatio = image.style.aspectRatio;
    const marks = this.clip.hints
      .filter((hint) => Math.abs(hint.time - time) < SAME_FRAME_SECS)
      .map((hint) => {
        const mark = h("span", { class: `hint-mark ${hint.kind}` });
        put(mark, hint);
        return mark;
      });
    const { lookAt } = this.clip;
    const isNow = lookAt && lookAt.from <= time + SAME_FRAME_SECS && time <= lookAt.to + SAME_FRAME_SECS;
    const frame = isNow && h("span", { class: "look-at" });
    if (frame) {
      put(frame, lookAt.box);
      frame.style.width = `${lookAt.box.width * 100}%`;
      frame.style.height = `${lookAt.box.height * 100}%`;
    }
    this.replaceChildren(...(frame ? [frame] : []), ...marks, this.#cross);
  }

  /** @param {import("./pointing.js").Point} point */
  #point(point) {
    this.#at = point;
    this.#cross.hidden = false;
    put(this.#cross, point);
  }

  #add() {
    const { x, y } = this.#at;
    const share = (/** @type {number} */ value) => Number(Math.min(1, Math.max(0, value)).toFixed(4));
    const kind = this.#isSolid() ? "remove" : "keep";
    this.clip.hints = [...this.clip.hints, { time: Number(this.time.toFixed(3)), x: share(x), y: share(y), kind }];
    this.dispatchEvent(new Event("change"));
  }

  /** Whether the cut has subject under the cross. */
  #isSolid() {
    const image = this.#image;
    const context = h("canvas", { width: 1, height: 1 }).getContext("2d");
    if (!image || !context) return false;
    const at = (/** @type {number} */ share, /** @type {number} */ side) =>
      Math.min(side - 1, Math.floor(share * side));
    const [x, y] = [at(this.#at.x, image.naturalWidth), at(this.#at.y, image.naturalHeight)];
    context.drawImage(image, x, y, 1, 1, 0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data[3] >= SOLID;
  }
}

/** The hints of `clip` as a list from which each can be removed; calls `onChange` then. @param {Clip} clip @param {() => void} onChange */
export function hintList(clip, onChange) {
  const rows = clip.hints.map((hint) => {
    const label = `${hint.kind === "keep" ? "Keep" : "Remove"} at ${formatTime(hint.time)}`;
    const forget = () => {
      clip.hints = clip.hints.filter((other) => other !== hint);
      onChange();
    };
    return h(
      "li",
      { class: "row" },
      h("span", { class: `hint-dot ${hint.kind}` }),
      label,
      button(`Undo: ${label}`, forget, { icon: "close", isBare: true }),
    );
  });
  return h("ul", { class: "hints", hidden: rows.length === 0, "aria-label": "Hints" }, ...rows);
}

customElements.define("hint-layer", HintLayer);
