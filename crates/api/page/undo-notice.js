// Says what was removed, and takes it back. It stays until it is closed or something else is removed.
import { button, h } from "./html.js";

/** `<undo-notice>`, empty until `show` is called. */
export class UndoNotice extends HTMLElement {
  /** Makes the removal final. */
  #settle = () => {};
  #text = h("span", {});
  #undo = button("Undo", () => this.#take(this.#back), {});
  #close = button("Close", () => this.settle(), { icon: "close", isBare: true });
  #back = () => {};

  connectedCallback() {
    this.setAttribute("role", "status");
    this.hidden = true;
    this.replaceChildren(this.#text, this.#undo, this.#close);
  }

  /** Says `text`; `back` undoes what was done, `settle` makes it final. @param {string} text @param {() => void} back @param {() => void} settle */
  show(text, back, settle) {
    this.settle();
    this.#text.textContent = text;
    this.#back = back;
    this.#settle = settle;
    this.hidden = false;
  }

  /** Closes the notice: what was removed stays removed. */
  settle() {
    this.#take(this.#settle);
  }

  /** @param {() => void} act */
  #take(act) {
    this.hidden = true;
    this.#settle = () => {};
    act();
  }
}

customElements.define("undo-notice", UndoNotice);
