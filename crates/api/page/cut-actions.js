// What can be done with a draft: cut it, cut all, and the ways back. It is always in view.
import { button, h } from "./html.js";

/** How many drafts can be cut, how many other clips there are, and whether there is a result to go back to. @typedef {{ ready: number, clips: number, hasResult: boolean }} Others */

/** `<cut-actions>`, in a form: the submit button, and `cut-all`, `apply-to-all`, `back` and `discard` as events that bubble. */
export class CutActions extends HTMLElement {
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #cut = h("button", { type: "submit", class: "primary large" });
  #all = button("", () => this.#tell("cut-all"), { class: "large" });
  #apply = button("Apply to all", () => this.#applyToAll(), { class: "quiet" });
  #back = button("Back to result", () => this.#tell("back"), { class: "quiet" });
  #said = h("span", { class: "hint", role: "status" });

  connectedCallback() {
    this.replaceChildren(
      this.#problem,
      h(
        "div",
        { class: "actions" },
        this.#cut,
        this.#all,
        this.#apply,
        this.#back,
        button("Discard", () => this.#tell("discard"), { class: "quiet" }),
        this.#said,
      ),
    );
  }

  /** @param {string} type */
  #tell(type) {
    this.dispatchEvent(new Event(type, { bubbles: true }));
  }

  #applyToAll() {
    this.#tell("apply-to-all");
    this.#said.textContent = "All clips have these options now.";
  }

  /** Names the button; without a reason why not, it can be pressed. @param {string} label @param {string} [whyNot] */
  name(label, whyNot = "") {
    this.#cut.textContent = whyNot || label;
    this.#cut.disabled = whyNot !== "";
  }

  /** Says what went wrong. @param {string} problem */
  say(problem) {
    if (this.#problem.textContent !== problem) this.#problem.textContent = problem;
    this.#problem.hidden = !problem;
  }

  /** @param {Others} others */
  show({ ready, clips, hasResult }) {
    this.#all.textContent = `Cut all ${ready}`;
    this.#all.hidden = ready < 2;
    this.#apply.hidden = clips === 0;
    this.#back.hidden = !hasResult;
  }
}

customElements.define("cut-actions", CutActions);
