// A clip or a set of images in the list: its picture, its name, its state and its time.
import { h, icon } from "./html.js";
import { Item } from "./item.js";
import { formatMoment } from "./texts.js";

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
  #attempt = 0;
  #button = h("button", { type: "button", class: "card", onclick: () => this.dispatchEvent(new Event("choose")) });
  #name = h("span", { class: "card-name" });
  #state = h("span", { class: "card-state" });
  #bar = h("progress", { max: 100, "aria-hidden": "true" });
  #icon = h("span", { class: "card-icon" });
  #picture = h("img", { class: "card-picture", alt: "", hidden: true });

  connectedCallback() {
    this.setAttribute("role", "listitem");
    const picture = h("span", { class: "card-head" }, this.#picture, this.#icon);
    this.#button.replaceChildren(picture, h("span", { class: "card-text" }, this.#name, this.#state), this.#bar);
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

  /** Its number among the attempts at the same; 0 if it is the only one. @param {number} attempt */
  set attempt(attempt) {
    this.#attempt = attempt;
    if (this.isConnected) this.#show();
  }

  #show = () => {
    const { item } = this;
    const { state } = item;
    this.dataset.state = item.isCancelled ? "cancelled" : item.problem && state === "draft" ? "failed" : state;
    this.#name.textContent = item.name;
    this.#name.title = item.name;
    const attempt = this.#attempt ? `Attempt ${this.#attempt} · ` : "";
    const ended = item.job?.completedAt ? ` · ${formatMoment(item.job.completedAt)}` : "";
    this.#state.textContent = attempt + describeState(item) + ended;
    const plain = item.kind === "image" ? "image" : "clip";
    this.#icon.replaceChildren(icon(item.isCancelled ? "close" : state === "draft" ? plain : ICONS[state]));
    if (this.#picture.src !== item.picture) this.#picture.src = item.picture;
    this.#picture.hidden = !item.picture;
    this.#bar.hidden = !["sending", "waiting", "working"].includes(state);
    this.#bar.value = item.sentShare === null ? (item.job?.progress ?? 0) : item.sentShare * 10;
  };
}

/** @param {Item} item */
export function describeState(item) {
  if (item.isLost) return "The server does not answer";
  switch (item.state) {
    case "draft":
      return item.problem ? "Needs your attention" : "Ready to cut";
    case "sending":
      return `Uploading, ${Math.round((item.sentShare ?? 0) * 100)} %`;
    case "waiting":
      return item.job?.queuePosition ? `Waiting, number ${item.job.queuePosition} in line` : "Waiting";
    case "working":
      return `Cutting, ${item.job?.progress ?? 0} %`;
    case "done":
      return item.verdict;
    default:
      return item.isCancelled ? "Cancelled" : "Failed";
  }
}

customElements.define("clip-card", ClipCard);
