// A clip in the list: its name and its state.
import { Clip } from "./clip.js";
import { h, icon } from "./html.js";

/** @type {Record<import("./clip.js").State, string>} */
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
  clip = new Clip();
  #button = h("button", { type: "button", class: "card", onclick: () => this.dispatchEvent(new Event("choose")) });
  #name = h("span", { class: "card-name" });
  #state = h("span", { class: "card-state" });
  #bar = h("progress", { max: 100, "aria-hidden": "true" });
  #icon = h("span", { class: "card-icon" });

  connectedCallback() {
    this.setAttribute("role", "listitem");
    this.#button.replaceChildren(this.#icon, h("span", { class: "card-text" }, this.#name, this.#state), this.#bar);
    this.replaceChildren(this.#button);
    this.clip.addEventListener("change", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    this.clip.removeEventListener("change", this.#show);
  }

  /** @param {boolean} isChosen */
  set isChosen(isChosen) {
    this.#button.setAttribute("aria-current", String(isChosen));
  }

  #show = () => {
    const { clip } = this;
    const { state } = clip;
    this.dataset.state = clip.problem && state === "draft" ? "failed" : state;
    this.#name.textContent = clip.name;
    this.#name.title = clip.name;
    this.#state.textContent = describeState(clip);
    this.#icon.replaceChildren(icon(ICONS[state]));
    this.#bar.hidden = !["sending", "waiting", "working"].includes(state);
    this.#bar.value = clip.sentShare === null ? (clip.job?.progress ?? 0) : clip.sentShare * 10;
  };
}

/** @param {Clip} clip */
function describeState(clip) {
  if (clip.isLost) return "The server does not answer";
  switch (clip.state) {
    case "draft":
      return clip.problem ? "Needs your attention" : "Ready to cut";
    case "sending":
      return `Sending, ${Math.round((clip.sentShare ?? 0) * 100)} %`;
    case "waiting":
      return clip.job?.queuePosition ? `Waiting, number ${clip.job.queuePosition} in line` : "Waiting";
    case "working":
      return `Cutting, ${clip.job?.progress ?? 0} %`;
    case "done":
      return clip.hasWarnings ? "Done, worth a look" : "Done";
    default:
      return clip.job?.error?.code === "JOB_CANCELLED" ? "Cancelled" : "Failed";
  }
}

customElements.define("clip-card", ClipCard);
