// The progress of a clip, or its failure.
import { Clip } from "./clip.js";
import { button, h, icon } from "./html.js";
import { formatDuration, STAGES } from "./texts.js";

/** The progress at which cutting begins and ends; the other stages take almost no time. */
const [FIRST, LAST] = [10, 100];

/** `<cut-progress>`: fires `cancel`, `retry`, `change-options` and `remove`. */
export class CutProgress extends HTMLElement {
  clip = new Clip();
  #stage = h("p", { class: "job-stage", "aria-live": "polite" });
  #timeLeft = h("p", { class: "hint" });
  #bar = h("progress", { max: 100, "aria-label": "Progress" });
  #percent = h("p", { class: "percent" });
  #box = h("div", { class: "panel progress" });

  connectedCallback() {
    this.replaceChildren(this.#box);
    this.clip.addEventListener("change", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    this.clip.removeEventListener("change", this.#show);
  }

  #tell = (/** @type {string} */ type) => () => this.dispatchEvent(new Event(type));

  #show = () => {
    if (this.clip.state === "failed") return this.#showFailure();
    const { clip } = this;
    const progress = clip.sentShare === null ? (clip.job?.progress ?? 0) : clip.sentShare * 100;
    const stage = clip.sentShare === null ? (STAGES[clip.job?.stage ?? ""] ?? "Waiting") : "Sending the clip";
    if (this.#stage.textContent !== stage) this.#stage.textContent = stage;
    this.#percent.textContent = `${Math.round(progress)} %`;
    this.#bar.value = progress;
    this.#timeLeft.textContent = clip.isLost
      ? "The server does not answer. The job goes on there; this page looks again every second."
      : describeTimeLeft(clip);
    if (this.#bar.isConnected) return;
    this.#box.classList.remove("failed");
    const cancel = button("Cancel", this.#tell("cancel"), {});
    this.#box.replaceChildren(
      this.#percent,
      this.#stage,
      this.#bar,
      this.#timeLeft,
      h("div", { class: "actions" }, cancel),
    );
  };

  #showFailure() {
    const { clip } = this;
    const isCancelled = clip.job?.error?.code === "JOB_CANCELLED";
    const actions = [
      button("Try again", this.#tell("retry"), { class: "primary" }),
      (clip.file || clip.address) && button("Change options", this.#tell("change-options")),
      button("Remove", this.#tell("remove"), { class: "quiet" }),
    ];
    this.#box.classList.toggle("failed", !isCancelled);
    this.#box.replaceChildren(
      h("div", { class: "big-icon" }, icon(isCancelled ? "clip" : "alert")),
      h("h2", {}, isCancelled ? "Cancelled" : "This clip could not be cut"),
      h("p", { role: "alert" }, clip.failure),
      h("div", { class: "actions" }, ...actions),
    );
  }
}

/** @param {Clip} clip */
function describeTimeLeft(clip) {
  const now = Date.now() / 1000;
  const { job } = clip;
  if (!job) return "";
  if (clip.state === "waiting") {
    const ahead = (job.queuePosition ?? 1) - 1;
    const place = ahead > 0 ? `${ahead} before it. ` : "";
    return job.estimatedStartAt
      ? `${place}Starts in about ${formatDuration(Math.max(1, job.estimatedStartAt - now))}.`
      : place;
  }
  const done = (job.progress - FIRST) / (LAST - FIRST);
  const passed = now - (job.startedAt ?? now);
  if (done < 0.2 || passed < 1) return "Working out how long it will take";
  return `About ${formatDuration((passed * (1 - done)) / done)} left`;
}

customElements.define("cut-progress", CutProgress);
