// The attempts at one clip, or at one set of images.

import { describeState } from "./clip-card.js";
import { h } from "./html.js";

/** @typedef {import("./item.js").Item} Item */

/** `<attempt-bar>`: fires `choose` with an item as detail; empty if there is one attempt. */
export class AttemptBar extends HTMLElement {
  /** @type {Item[]} */
  #items = [];

  connectedCallback() {
    this.setAttribute("role", "navigation");
    this.setAttribute("aria-label", "Attempts");
  }

  /** @param {Item[]} items the attempts, the first one first @param {Item | null} chosen */
  show(items, chosen) {
    this.hidden = items.length < 2;
    this.#watch(items);
    const buttons = items.map((item, at) => {
      const choose = () => this.dispatchEvent(new CustomEvent("choose", { detail: item }));
      const state = h("span", { class: "hint" }, describeState(item));
      const attempt = h("button", { type: "button", class: "attempt", onclick: choose }, `Attempt ${at + 1}`, state);
      if (item === chosen) attempt.setAttribute("aria-current", "true");
      return attempt;
    });
    this.replaceChildren(...(this.hidden ? [] : buttons));
  }

  /** @param {Item[]} items */
  #watch(items) {
    for (const item of this.#items) item.removeEventListener("change", this.#update);
    this.#items = items;
    for (const item of items) item.addEventListener("change", this.#update);
  }

  #update = () => {
    for (const [at, state] of [...this.querySelectorAll(".hint")].entries())
      state.textContent = describeState(this.#items[at]);
  };
}

customElements.define("attempt-bar", AttemptBar);
