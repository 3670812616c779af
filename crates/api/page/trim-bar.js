// The part of a clip that is cut, between two handles beneath its time slider.
import { timesOf, trimOf } from "./clip-part.js";
import { button, h } from "./html.js";
import { formatTime } from "./texts.js";

/** The shortest part that the handles leave, in seconds. */
const LEAST_SECS = 0.1;
/** How far a key moves a handle, in seconds. @type {Record<string, number>} */
const KEYS = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1, PageDown: -1, PageUp: 1 };

/** @typedef {"start" | "end"} End */

/** `<trim-bar>`: fires `trim` with the part and the time of the handle that was moved as detail. */
export class TrimBar extends HTMLElement {
  #duration = 0;
  #part = { start: 0, end: 0 };
  #track = h("div", { class: "trim-track" });
  #kept = h("span", { class: "trim-kept" });
  #handles = { start: this.#handle("start"), end: this.#handle("end") };
  #said = h("span", { class: "hint" });
  #whole = button("Whole clip", () => this.#set({ start: 0, end: this.#duration }, 0), { class: "quiet" });

  connectedCallback() {
    this.#track.replaceChildren(this.#kept, this.#handles.start, this.#handles.end);
    this.replaceChildren(this.#track, h("div", { class: "row" }, this.#said, this.#whole));
  }

  /** Shows a part of a clip of so many seconds. @param {string} trim @param {number} duration */
  show(trim, duration) {
    this.#duration = duration;
    this.hidden = duration < 2 * LEAST_SECS;
    const { start, end } = timesOf(trim, duration);
    this.#part = { start: Math.min(start, duration), end: Math.min(end, duration) };
    this.#draw();
  }

  #draw() {
    const { start, end } = this.#part;
    const share = (/** @type {number} */ secs) => `${(100 * secs) / (this.#duration || 1)}%`;
    this.#kept.style.left = share(start);
    this.#kept.style.right = share(this.#duration - end);
    for (const name of /** @type {End[]} */ (["start", "end"])) {
      const handle = this.#handles[name];
      const [least, most] = this.#bounds(name);
      handle.style.left = share(this.#part[name]);
      handle.setAttribute("aria-valuemin", least.toFixed(2));
      handle.setAttribute("aria-valuemax", most.toFixed(2));
      handle.setAttribute("aria-valuenow", this.#part[name].toFixed(2));
      handle.setAttribute("aria-valuetext", formatTime(this.#part[name]));
    }
    const isWhole = start === 0 && end === this.#duration;
    this.#whole.hidden = isWhole;
    this.#said.textContent = isWhole
      ? "Drag the handles to cut a part of the clip."
      : `${formatTime(start)} to ${formatTime(end)}: ${(end - start).toFixed(2)} s are cut.`;
  }

  /** From where to where a handle goes. @param {End} name @returns {[number, number]} */
  #bounds(name) {
    const { start, end } = this.#part;
    return name === "start"
      ? [0, Math.max(0, end - LEAST_SECS)]
      : [Math.min(this.#duration, start + LEAST_SECS), this.#duration];
  }

  /** @param {End} name */
  #handle(name) {
    const handle = h("span", { class: `trim-handle ${name}`, tabIndex: 0, role: "slider" });
    handle.setAttribute("aria-label", name === "start" ? "Start of the part" : "End of the part");
    handle.onkeydown = (event) => {
      const [least, most] = this.#bounds(name);
      const ends = { Home: least, End: most }[event.key];
      const step = (KEYS[event.key] ?? 0) * (event.shiftKey ? 10 : 1);
      if (ends === undefined && step === 0) return;
      event.preventDefault();
      this.#move(name, ends ?? this.#part[name] + step);
    };
    let from = { x: 0, secs: 0 };
    handle.onpointerdown = (event) => {
      from = { x: event.clientX, secs: this.#part[name] };
      handle.setPointerCapture(event.pointerId);
      handle.focus();
      event.preventDefault();
    };
    handle.onpointermove = (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const secs = (this.#duration * (event.clientX - from.x)) / this.#track.clientWidth;
      this.#move(name, from.secs + secs);
    };
    return handle;
  }

  /** @param {End} name @param {number} secs */
  #move(name, secs) {
    const [least, most] = this.#bounds(name);
    const at = Math.min(most, Math.max(least, Math.round(secs * 100) / 100));
    this.#set({ ...this.#part, [name]: at }, at);
  }

  /** @param {{ start: number, end: number }} part @param {number} at */
  #set(part, at) {
    this.#part = part;
    const hadFocus = document.activeElement === this.#whole;
    this.#draw();
    if (hadFocus && this.#whole.hidden) this.#handles.start.focus();
    this.dispatchEvent(new CustomEvent("trim", { detail: { trim: trimOf(part, this.#duration), at } }));
  }
}

customElements.define("trim-bar", TrimBar);
