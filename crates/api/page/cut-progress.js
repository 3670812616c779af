// The progress of a clip or of images, or their failure.
import { button, h, icon } from "./html.js";
import { Item } from "./item.js";
import { noticeButton } from "./page-news.js";
import { formatDuration, STAGES } from "./texts.js";

/** What is said of each kind. */
const WORDS = {
  video: { icon: "clip", sending: "Uploading the clip", failed: "This clip could not be cut" },
  image: { icon: "image", sending: "Uploading the images", failed: "No image could be cut" },
};

/** The progress at which cutting begins and ends; the other stages take almost no time. */
const [FIRST, LAST] = [10, 100];

/** `<cut-progress>`: fires `cancel`, `retry`, `change-options` and `remove`. */
export class CutProgress extends HTMLElement {
  item = new Item();
  #stage = h("p", { class: "job-stage", "aria-live": "polite", tabIndex: -1 });
  #timeLeft = h("p", { class: "hint" });
  #bar = h("progress", { max: 100, "aria-label": "Progress" });
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #percent = h("p", { class: "percent" });
  #box = h("div", { class: "panel progress" });

  connectedCallback() {
    this.replaceChildren(this.#box);
    this.item.addEventListener("change", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    this.item.removeEventListener("change", this.#show);
  }

  #tell = (/** @type {string} */ type) => () => this.dispatchEvent(new Event(type));

  #show = () => {
    if (this.item.state === "failed") return this.#showFailure();
    const { item } = this;
    const progress = item.sentShare === null ? (item.job?.progress ?? 0) : item.sentShare * 100;
    const stage = describeStage(item);
    if (this.#stage.textContent !== stage) this.#stage.textContent = stage;
    this.#percent.textContent = `${Math.round(progress)} %`;
    this.#bar.value = progress;
    this.#timeLeft.textContent = item.isLost ? describeLoss(item) : describeTimeLeft(item);
    this.#problem.textContent = item.problem;
    this.#problem.hidden = !item.problem;
    if (this.#bar.isConnected) return;
    this.#box.classList.remove("failed");
    const cancel = button("Cancel", this.#tell("cancel"), {});
    const notice = noticeButton();
    this.#box.replaceChildren(
      this.#percent,
      this.#stage,
      this.#bar,
      this.#timeLeft,
      this.#problem,
      h("div", { class: "actions" }, cancel, notice),
    );
  };

  #showFailure() {
    const { item } = this;
    const { isCancelled } = item;
    const actions = [
      button("Try again", this.#tell("retry"), { class: "primary" }),
      item.canBeCutAgain && button("Change options", this.#tell("change-options")),
      button("Remove", this.#tell("remove"), { class: "quiet" }),
    ];
    this.#box.classList.toggle("failed", !isCancelled);
    this.#box.replaceChildren(
      h("div", { class: "big-icon" }, icon(isCancelled ? WORDS[item.kind].icon : "alert")),
      h("h2", { tabIndex: -1 }, isCancelled ? "Cancelled" : WORDS[item.kind].failed),
      h("p", { role: isCancelled ? "status" : "alert" }, item.failure),
      h("div", { class: "actions" }, ...actions),
    );
  }
}

/** @param {Item} item */
function describeStage({ sentShare, kind, job }) {
  if (sentShare !== null) return WORDS[kind].sending;
  return STAGES[kind][job?.stage ?? ""] ?? "Waiting";
}

/** What happens while the server does not answer. @param {Item} item */
const describeLoss = ({ sentShare }) =>
  sentShare === null
    ? "The server does not answer. The job goes on there; this page looks again every second."
    : "Not sent yet: the server does not answer. It is sent as soon as it does; keep this page open.";

/** @param {Item} item */
function describeTimeLeft(item) {
  const now = Date.now() / 1000;
  const { job } = item;
  if (!job) return "";
  if (item.state === "waiting") {
    const ahead = (job.queuePosition ?? 1) - 1;
    const place = ahead > 0 ? `${ahead} ahead of it. ` : "";
    return job.estimatedStartAt
      ? `${place}Starts in about ${formatDuration(Math.max(1, job.estimatedStartAt - now))}.`
      : place;
  }
  const done = (job.progress - FIRST) / (LAST - FIRST);
  const passed = now - (job.startedAt ?? now);
  if (done < 0.2 || passed < 1) return "Estimating the time left…";
  return `About ${formatDuration((passed * (1 - done)) / done)} left`;
}

customElements.define("cut-progress", CutProgress);
