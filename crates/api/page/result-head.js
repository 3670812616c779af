// The head of a result: the name, a line about it, how long it is kept, and what can be done with it.
import { button, h } from "./html.js";
import { Item } from "./item.js";
import { formatDate } from "./texts.js";

/** `<result-head>`: fires `change-options` and `remove`, which bubble up to the view. */
export class ResultHead extends HTMLElement {
  item = new Item();
  about = "";
  /** What is done first with it. @type {HTMLElement | null} */
  main = null;
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #again = button("Other options", () => this.#tell("change-options"));

  connectedCallback() {
    const { item } = this;
    const { expiresAt } = item.job ?? {};
    const kept = expiresAt && !item.isExpired ? `Kept until ${formatDate(expiresAt)}` : "";
    this.className = "result-head";
    this.replaceChildren(
      h(
        "div",
        { class: "row spread" },
        h(
          "div",
          {},
          h("h2", { tabIndex: -1 }, item.name),
          h("p", { class: "hint" }, [this.about, kept].filter(Boolean).join(" · ")),
        ),
        h(
          "div",
          { class: "row" },
          this.main,
          item.canBeCutAgain && this.#again,
          button("Remove", () => this.#tell("remove"), { class: "quiet" }),
        ),
      ),
      this.#problem,
    );
    item.addEventListener("change", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    this.item.removeEventListener("change", this.#show);
  }

  /** @param {string} type */
  #tell(type) {
    this.dispatchEvent(new Event(type, { bubbles: true }));
  }

  #show = () => {
    const { problem, isFetching } = this.item;
    this.#problem.textContent = problem;
    this.#problem.hidden = !problem;
    this.#again.disabled = isFetching;
    this.#again.textContent = isFetching ? "Getting it from the server…" : "Other options";
  };
}

customElements.define("result-head", ResultHead);
