// The entry point of the page: the list of clips and images, and the chosen one beside it.
import { Client, Problem, redeemLink } from "./client.js";
import { Clip } from "./clip.js";
import { ClipCard } from "./clip-card.js";
import { ClipDrop } from "./clip-drop.js";
import { formOf } from "./cut-form.js";
import { CutOptions } from "./cut-options.js";
import { CutProgress } from "./cut-progress.js";
import { CutResult } from "./cut-result.js";
import { button, h } from "./html.js";
import { ImageOptions, imageFormOf } from "./image-options.js";
import { ImageResult } from "./image-result.js";
import { ImageSet } from "./image-set.js";
import { KeyPrompt } from "./key-prompt.js";
import { forgetKey, storedKey, storeKey, takeLinkToken } from "./stored-key.js";
import { explain } from "./texts.js";

/** @typedef {import("./item.js").Item} Item */

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const account = /** @type {HTMLElement} */ (document.querySelector("#account"));

const sentence = (/** @type {unknown} */ error) => (error instanceof Problem ? explain(error) : String(error));

/** @param {string} reason why a key is asked for */
function askForKey(reason) {
  account.replaceChildren();
  const prompt = new KeyPrompt();
  prompt.reason = reason;
  prompt.addEventListener("signed-in", (event) => work(/** @type {CustomEvent<string>} */ (event).detail));
  main.className = "is-signed-out";
  main.replaceChildren(prompt);
}

/** Shows the page of one key. @param {string} key */
function work(key) {
  const client = new Client(key);
  /** @type {Item[]} */
  const items = [];
  /** @type {Map<Item, ClipCard>} */
  const cards = new Map();
  /** @type {Item | null} */
  let chosen = null;
  let shownState = "";
  const list = h("div", { class: "cards", role: "list", "aria-label": "Your clips and images" });
  const pane = h("section", { class: "pane", "aria-label": "What is chosen" });
  const drop = new ClipDrop();
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const more = button("Show earlier ones", () => load(), { class: "quiet" });
  more.hidden = true;
  /** @type {string | null} */
  let cursor = null;

  const leave = (/** @type {string} */ reason) => {
    for (const item of items) item.leave();
    forgetKey();
    askForKey(reason);
  };
  client.addEventListener(
    "refused",
    () => leave("Your key isn't valid any more: it was revoked, or this is another server. Paste one that is valid."),
    { once: true },
  );
  account.replaceChildren(button("Sign out", () => leave(""), { class: "quiet" }));

  /** @param {Item} item @param {boolean} isNewest */
  const add = (item, isNewest) => {
    const card = new ClipCard();
    card.item = item;
    card.addEventListener("choose", () => choose(item));
    cards.set(item, card);
    items.push(item);
    if (isNewest) list.prepend(card);
    else list.append(card);
    item.addEventListener("change", () => {
      if (item.state === "gone") remove(item);
      else if (item === chosen) show();
    });
  };

  /** @param {Item} item */
  const remove = (item) => {
    cards.get(item)?.remove();
    cards.delete(item);
    items.splice(items.indexOf(item), 1);
    if (item === chosen) choose(items.find((other) => other.state === "draft") ?? null);
    main.classList.toggle("is-empty", items.length === 0);
  };

  /** @param {Item | null} item */
  const choose = (item) => {
    chosen = item;
    shownState = "";
    for (const [other, card] of cards) card.isChosen = other === item;
    main.classList.toggle("is-empty", items.length === 0);
    // A result is shown by its links. They are asked for anew once they are old, and it is shown when they have changed.
    if (item?.state === "done" && !item.hasNewLinks) item.refresh(client);
    else show();
  };

  /** The clips that one click sends: a clip that was refused only if it is the chosen one. */
  const draftClips = () =>
    items
      .filter((item) => item instanceof Clip)
      .filter((clip) => clip.state === "draft" && (clip === chosen || clip.problem === ""));

  /** Shows the chosen item; a view lives until the state of the item needs another. */
  const show = () => {
    if (!chosen) return pane.replaceChildren();
    const item = chosen;
    const { state } = item;
    const kind = ["sending", "waiting", "working"].includes(state) ? "under way" : state;
    const shown = item.isExpired ? `${kind}, expired` : kind;
    if (shown === shownState) return;
    const isArriving = shownState === "under way";
    shownState = shown;
    const view = viewOf(item, kind);
    view.addEventListener("change-options", () => item.reopen());
    view.addEventListener("remove", () => item.remove(client));
    view.addEventListener("discard", () => item.remove(client));
    view.addEventListener("stale", async () => {
      if ((await item.renew(client)) && item === chosen) choose(item);
    });
    pane.replaceChildren(view);
    if (isArriving) pane.querySelector("h2")?.scrollIntoView({ block: "nearest" });
  };

  /** @param {Item} item @param {string} kind */
  const viewOf = (item, kind) => {
    if (item instanceof Clip && kind === "draft") return optionsOf(item);
    if (item instanceof Clip && kind === "done") return resultOf(item);
    if (item instanceof ImageSet && kind === "draft") return imageOptionsOf(item);
    if (item instanceof ImageSet && kind === "done") return Object.assign(new ImageResult(), { set: item, client });
    const view = Object.assign(new CutProgress(), { item });
    view.addEventListener("cancel", () => item.cancel(client));
    view.addEventListener("retry", () => item.retry(client));
    return view;
  };

  /** @param {Clip} clip */
  const optionsOf = (clip) => {
    const view = Object.assign(new CutOptions(), { clip, client, count: draftClips().length });
    view.addEventListener("cut", () => {
      for (const draft of draftClips()) {
        draft.options = { ...view.options };
        draft.send(client, formOf(view.options, draft));
      }
    });
    return view;
  };

  /** @param {ImageSet} set */
  const imageOptionsOf = (set) => {
    const view = Object.assign(new ImageOptions(), { set, client });
    view.addEventListener("cut", () => {
      set.options = { ...view.options };
      set.send(client, imageFormOf(view.options, set.keyColor));
    });
    view.addEventListener("as-clip", () => {
      const clip = Clip.ofFile(set.files[0]);
      add(clip, true);
      set.remove(client);
      choose(clip);
    });
    return view;
  };

  /** @param {Clip} clip */
  const resultOf = (clip) => {
    const view = Object.assign(new CutResult(), { clip, client });
    view.addEventListener("look", (event) => {
      clip.lookAt = /** @type {CustomEvent<import("./client.js").Warning>} */ (event).detail;
      clip.reopen();
    });
    return view;
  };

  const load = async () => {
    try {
      const page = await client.list(cursor);
      // A list leaves out the images of jobs.
      const whole = (/** @type {import("./client.js").Job} */ job) =>
        job.type === "image" && job.result ? client.read(job.jobId) : job;
      for (const job of await Promise.all(page.jobs.map(whole))) {
        const item = job.type === "image" ? ImageSet.ofJob(job) : Clip.ofJob(job);
        add(item, false);
        if (job.status !== "completed" && job.status !== "failed") item.follow(client);
      }
      cursor = page.nextCursor;
      more.hidden = cursor === null;
      problem.hidden = true;
    } catch (error) {
      problem.textContent = sentence(error);
      problem.hidden = false;
      if (error instanceof Problem && error.code === "UNREACHABLE") setTimeout(load, 2000);
    }
    main.classList.toggle("is-empty", items.length === 0);
  };

  drop.addEventListener("items", (event) => {
    const added = /** @type {CustomEvent<Item[]>} */ (event).detail;
    for (const item of added.toReversed()) add(item, true);
    choose(added[0]);
  });
  main.className = "is-empty";
  main.replaceChildren(h("div", { class: "side" }, drop, problem, list, more), pane);
  load();
}

const token = takeLinkToken();
const kept = storedKey();
if (token) {
  redeemLink(token).then(
    (key) => {
      storeKey(key);
      work(key);
    },
    (error) => (kept ? work(kept) : askForKey(sentence(error))),
  );
} else if (kept) work(kept);
else askForKey("");
