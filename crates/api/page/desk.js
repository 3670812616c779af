// The desk of one key: the list of clips and images, and the chosen one beside it.
import { ask } from "./ask.js";
import { AttemptBar } from "./attempt-bar.js";
import { Client, Problem } from "./client.js";
import { Clip } from "./clip.js";
import { ClipCard, describeState } from "./clip-card.js";
import { ClipDrop } from "./clip-drop.js";
import { formOf } from "./cut-form.js";
import { storedOptions } from "./cut-options.js";
import { button, h } from "./html.js";
import { imageFormOf, storedImageOptions } from "./image-options.js";
import { ImageSet } from "./image-set.js";
import { tellNews } from "./page-news.js";
import { QueueLine } from "./queue-line.js";
import { smallPicture } from "./small-picture.js";
import { explain } from "./texts.js";
import { UndoNotice } from "./undo-notice.js";
import { loadResults, viewOf } from "./views.js";

/** @typedef {import("./item.js").Item} Item */
/** @typedef {import("./client.js").Job} Job */

const UNDER_WAY = ["sending", "waiting", "working"];

/** What is on the page of one key. */
export class Desk {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<Item, ClipCard>} */
  #cards = new Map();
  /** @type {Item | null} */
  chosen = null;
  #shownState = "";
  /** @type {HTMLElement | null} */
  #view = null;
  #list = h("div", { class: "cards", role: "list", "aria-label": "Your clips and images" });
  #attempts = new AttemptBar();
  #pane = h("section", { class: "pane", "aria-label": "What is chosen" });
  #notice = new UndoNotice();
  /** Says what ended, to screen readers. */
  #said = h("p", { class: "sr-only", role: "status" });
  /** @type {QueueLine} */
  #line;
  /** Pictures are made one after the other. */
  #picturing = Promise.resolve();
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #more = button("Show earlier ones", () => this.#load(), { class: "quiet" });
  /** @type {string | null} */
  #cursor = null;

  /** @param {Client} client @param {HTMLElement} main */
  constructor(client, main) {
    this.main = main;
    this.#line = new QueueLine(client, () => this.items);
    this.client = client;
    this.#more.hidden = true;
    const drop = new ClipDrop();
    drop.addEventListener("items", (event) => {
      const added = /** @type {CustomEvent<Item[]>} */ (event).detail;
      for (const item of added.toReversed()) this.#add(item, true);
      this.choose(added[0]);
      this.#focus();
      this.#bringIntoView();
      // What is cut has a result soon.
      loadResults().catch(() => {});
    });
    this.#attempts.addEventListener("choose", (event) => this.choose(/** @type {CustomEvent<Item>} */ (event).detail));
    main.className = "is-empty";
    main.replaceChildren(h("div", { class: "side" }, drop, this.#problem, this.#list, this.#more), this.#pane);
    main.append(this.#notice, this.#said);
    addEventListener("beforeunload", this.#warn);
    addEventListener("pagehide", this.#settle);
    this.#load();
  }

  /** Stops everything that the page does for this key. */
  leave() {
    this.#notice.settle();
    this.#line.leave();
    removeEventListener("beforeunload", this.#warn);
    removeEventListener("pagehide", this.#settle);
    for (const item of this.items) item.leave();
  }

  #settle = () => this.#notice.settle();

  /** What is being sent, or was not sent yet, is lost with the page. */
  #warn = (/** @type {BeforeUnloadEvent} */ event) => {
    if (this.items.some(({ state }) => state === "sending")) event.preventDefault();
  };

  /** Whether nothing is lost by signing out, or the person wants it. */
  async mayLeave() {
    const unsent = this.items.filter(({ state }) => state === "draft" || state === "sending").length;
    if (unsent === 0) return true;
    const what = unsent === 1 ? "One clip or set of images was" : `${unsent} clips or sets of images were`;
    return ask("Sign out?", `${what} not cut yet, and the page forgets them.`, "Sign out", "Stay");
  }

  /** The attempts at the same as `item`, the first one first. @param {Item} item */
  attemptsOf(item) {
    const same = this.items.filter(({ source }) => source === item.source);
    return same.sort((one, other) => one.madeMs - other.madeMs);
  }

  /** @param {Item} item @param {boolean} isNewest @param {number} [place] */
  #add(item, isNewest, place) {
    const card = new ClipCard();
    card.item = item;
    card.addEventListener("choose", () => {
      this.choose(item);
      this.#bringIntoView();
    });
    this.#cards.set(item, card);
    this.items.splice(place ?? this.items.length, 0, item);
    if (isNewest) this.#list.prepend(card);
    else this.#list.append(card);
    item.addEventListener("change", () => {
      if (item.state === "gone") this.#drop(item);
      else if (item === this.chosen) this.#show();
      this.#tellOthers();
      this.#tellNews();
      this.#line.look();
    });
    if (!item.picture) this.#picturing = this.#picturing.then(() => this.#picture(item));
    this.#changed();
  }

  /** Makes a small picture of what is on the page. @param {Item} item */
  async #picture(item) {
    const file = item instanceof ImageSet ? item.originals[0] : item.files[0];
    if (!file) return;
    item.picture = await smallPicture(file, item instanceof ImageSet);
    item.keep();
    item.changed();
  }

  #tellNews() {
    const ended = tellNews(this.items).filter((item) => item.state === "done" || item.state === "failed");
    if (ended.length > 0)
      this.#said.textContent = ended.map((item) => `${item.name}: ${describeState(item)}`).join(". ");
  }

  /** What the list says of the number of attempts, and whether it is empty. */
  #changed() {
    for (const [item, card] of this.#cards) {
      const attempts = this.attemptsOf(item);
      card.attempt = attempts.length > 1 ? attempts.indexOf(item) + 1 : 0;
    }
    this.main.classList.toggle("is-empty", this.items.length === 0);
    this.#attempts.show(this.chosen ? this.attemptsOf(this.chosen) : [], this.chosen);
    this.#tellOthers();
  }

  /** Takes an item off the page. @param {Item} item */
  #drop(item) {
    if (!this.#cards.has(item)) return;
    this.#cards.get(item)?.remove();
    this.#cards.delete(item);
    this.items.splice(this.items.indexOf(item), 1);
    const next = this.attemptsOf(item).at(-1) ?? this.items.find(({ state }) => state === "draft") ?? null;
    if (item === this.chosen) this.choose(next);
    else this.#changed();
    this.#focus();
  }

  /** Moves a focus that went with what it was on to what came next. */
  #focus() {
    const { activeElement } = document;
    const isLost = activeElement === null || activeElement === document.body || !activeElement.checkVisibility();
    if (!isLost && !this.main.querySelector("clip-drop")?.contains(activeElement)) return;
    const next = this.chosen ? this.#pane.querySelector("[tabindex='-1']") : this.main.querySelector("clip-drop input");
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  }

  /** Drops a draft; it can be taken back. @param {Item} item */
  #discard(item) {
    const place = this.items.indexOf(item);
    this.#drop(item);
    const back = () => {
      this.#add(item, true, place);
      this.choose(item);
    };
    this.#notice.show(`Discarded ${item.name}.`, back, () => item.remove(this.client));
  }

  /** Removes a job with its files, once the person has agreed. @param {Item} item */
  async #remove(item) {
    const isDone = item.state === "done";
    const what = isDone ? "Its files are deleted from the server, too." : "The server forgets it, too.";
    if (await ask(`Remove ${item.name}?`, what, "Remove", "Keep")) await item.remove(this.client);
  }

  /** @param {Item | null} item */
  choose(item) {
    this.chosen = item;
    this.#shownState = "";
    for (const [other, card] of this.#cards) card.isChosen = other === item;
    this.#changed();
    // A result is shown by its links. They are asked for anew once they are old, and it is shown when they have changed.
    if (item?.state === "done" && !item.hasNewLinks) item.refresh(this.client);
    else this.#show();
  }

  /** Shows the chosen item; a view lives until the state of the item needs another. */
  #show() {
    const item = this.chosen;
    if (!item) {
      this.#view = null;
      return this.#pane.replaceChildren();
    }
    const { state } = item;
    const kind = UNDER_WAY.includes(state) ? "under way" : state;
    const shown = item.isExpired ? `${kind}, expired` : kind;
    if (shown === this.#shownState) return;
    const view = viewOf(item, kind, this);
    if (!view) return this.#showLater();
    const isArriving = this.#shownState === "under way";
    this.#shownState = shown;
    this.#view = view;
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ act) =>
      view.addEventListener(type, act);
    on("change-options", () => this.#cutAgain(item));
    on("mend", ({ detail }) => this.#cutAgain(item, detail));
    on("remove", () => this.#remove(item));
    on("discard", () => this.#discard(item));
    on("back", () => this.choose(this.#resultOf(item) ?? item));
    on("cancel", () => item.cancel(this.client));
    on("retry", () => item.retry(this.client));
    on("cut", () => this.#cut(item));
    on("cut-all", () => this.#cutAll());
    on("apply-to-all", () => this.#applyToAll(item));
    on("as-clip", () => this.#asClip(item));
    on("stale", async () => {
      if ((await item.renew(this.client)) && item === this.chosen) this.choose(item);
    });
    const hadFocus = this.#pane.contains(document.activeElement) || document.activeElement === document.body;
    this.#pane.replaceChildren(this.#attempts, view);
    // A view that leads somewhere has moved the focus itself.
    if (hadFocus && !view.contains(document.activeElement)) this.#focus();
    this.#tellOthers();
    if (isArriving) this.#pane.querySelector("h2")?.scrollIntoView({ block: "nearest" });
  }

  /** Where the list lies above the pane, what is chosen would be out of view. */
  #bringIntoView() {
    if (matchMedia("(width < 48rem)").matches) this.#pane.scrollIntoView({ block: "start" });
  }

  /** Loads the view that is missing, and shows the chosen item then. */
  async #showLater() {
    try {
      await loadResults();
      this.#show();
    } catch {
      this.#sayProblem(new Problem("UNREACHABLE", "The server does not answer"));
      await this.client.answers(AbortSignal.timeout(60_000));
      this.#show();
    }
  }

  /** The drafts that one click sends: all that were not refused. */
  get #ready() {
    return this.items.filter(({ state, problem }) => state === "draft" && problem === "");
  }

  /** The last attempt at the same that is done. @param {Item} item */
  #resultOf(item) {
    return this.attemptsOf(item).findLast(({ state }) => state === "done");
  }

  /** Tells the view of a draft what else there is to cut. */
  #tellOthers() {
    const { chosen } = this;
    if (chosen?.state !== "draft" || !this.#view || !("others" in this.#view)) return;
    const clips = this.items.filter((item) => item instanceof Clip && item.state === "draft" && item !== chosen);
    Object.assign(this.#view, {
      others: { ready: this.#ready.length, clips: clips.length, hasResult: this.#resultOf(chosen) !== undefined },
    });
  }

  /** @param {Item} item */
  #cut(item) {
    if (item instanceof Clip && item.options) item.send(this.client, formOf(item.options, item));
    else if (item instanceof ImageSet && item.options) item.send(this.client, imageFormOf(item.options, item.keyColor));
  }

  /** Each with the options that were set for it, or else the last ones. */
  #cutAll() {
    for (const item of this.#ready) {
      item.options ??= item instanceof Clip ? storedOptions() : storedImageOptions();
      this.#cut(item);
    }
  }

  /** Other clips get the options of one, but not what belongs to it: its part, its color, its hints. @param {Item} item */
  #applyToAll(item) {
    for (const other of this.items)
      if (other instanceof Clip && other.state === "draft" && other !== item) {
        other.options = { ...item.options, formats: [...item.options.formats] };
        other.problem = "";
        other.changed();
      }
  }

  /**
   * Opens a new attempt beside a result, or the draft of one that there is. What failed is opened itself.
   * @param {Item} item @param {import("./client.js").Warning} [warning] what is to be mended
   */
  async #cutAgain(item, warning) {
    if (!(await item.fetchInput(this.client))) return;
    if (item.state === "failed") return item.reopen();
    const draft = this.attemptsOf(item).find(({ state }) => state === "draft") ?? item.again();
    if (draft instanceof Clip) draft.lookAt = warning ?? null;
    if (!this.items.includes(draft)) this.#add(draft, true);
    item.keep();
    this.choose(draft);
  }

  /** A ZIP of images is the frames of a clip. @param {Item} item */
  #asClip(item) {
    const clip = Clip.ofFile(item.files[0]);
    this.#add(clip, true);
    this.#drop(item);
    this.choose(clip);
  }

  /** Says what went wrong with the page. Returns whether it may pass. @param {unknown} error */
  #sayProblem(error) {
    const isPassing = error instanceof Problem && error.code === "UNREACHABLE";
    const said = error instanceof Problem ? explain(error) : String(error);
    this.#problem.textContent = isPassing ? `${said} The page tries again by itself.` : said;
    this.#problem.hidden = false;
    return isPassing;
  }

  async #load() {
    try {
      const page = await this.client.list(this.#cursor);
      // A list leaves out the images of jobs.
      const whole = (/** @type {Job} */ job) =>
        job.type === "image" && job.result ? this.client.read(job.jobId) : job;
      const isNew = (/** @type {Job} */ { jobId }) => this.items.every(({ job }) => job?.jobId !== jobId);
      for (const job of await Promise.all(page.jobs.filter(isNew).map(whole))) {
        const item = job.type === "image" ? ImageSet.ofJob(job) : Clip.ofJob(job);
        this.#add(item, false);
        if (job.status !== "completed" && job.status !== "failed") item.follow(this.client);
      }
      this.#cursor = page.nextCursor;
      this.#more.hidden = this.#cursor === null;
      this.#problem.hidden = true;
    } catch (error) {
      if (this.#sayProblem(error)) setTimeout(() => this.#load(), 2000);
    }
    this.#changed();
  }
}
