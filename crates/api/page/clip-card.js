// A clip or a set of images in the list: its name and its state.
import { h, icon } from "./html.js";
import { Item } from "./item.js";

/** @type {Record<import("./item.js").State, string>} */
const ICONS = {
  draft: "clip",
  sending: "up",
  waiting: "clock",
  working: "spark",
  done: "check",
  failed: "alert",
  gone: "clip",
};

/** `<clip-card>`: fires `choose` when it is clicked. */
export class ClipCard extends HTMLElement {
  item = new Item();
  #button = h("button", { type: "button", class: "card", onclick: () => this.dispatchEvent(new Event("choose")) });
  #name = h("span", { class: "card-name" });
  #state = h("span", { class: "card-state" });
  #bar = h("progress", { max: 100, "aria-hidden": "true" });
  #icon = h("span", { class: "card-icon" });

  connectedCallback() {
    this.setAttribute("role", "listitem");
    this.#button.replaceChildren(this.#icon, h("span", { class: "card-text" }, this.#name, this.#state), this.#bar);
    this.replaceChildren(this.#button);
    this.item.addEventListener("change", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    this.item.removeEventListener("change", this.#show);
  }

  /** @param {boolean} isChosen */
  set isChosen(isChosen) {
    this.#button.setAttribute("aria-current", String(isChosen));
  }

  #show = () => {
    const { item } = this;
    const { state } = item;
    this.dataset.state = item.problem && state === "draft" ? "failed" : state;
    this.#name.textContent = item.name;
    this.#name.title = item.name;
    this.#state.textContent = describeState(item);
    this.#icon.replaceChildren(icon(state === "draft" && item.kind === "image" ? "image" : ICONS[state]));
    this.#bar.hidden = !["sending", "waiting", "working"].includes(state);
    this.#bar.value = item.sentShare === null ? (item.job?.progress ?? 0) : item.sentShare * 10;
  };
}

/** @param {Item} item */
function describeState(item) {
  if (item.isLost) return "The server does not answer";
  switch (item.state) {
    case "draft":
      return item.problem ? "Needs your attention" : "Ready to cut";
    case "sending":
      return `Sending, ${Math.round((item.sentShare ?? 0) * 100)} %`;
    case "waiting":
      return item.job?.queuePosition ? `Waiting, number ${item.job.queuePosition} in line` : "Waiting";
    case "working":
      return `Cutting, ${item.job?.progress ?? 0} %`;
    case "done":
      return item.verdict;
    default:
      return item.job?.error?.code === "JOB_CANCELLED" ? "Cancelled" : "Failed";
  }
}

customElements.define("clip-card", ClipCard);
