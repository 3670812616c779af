// The entry point of the page: the list of clips, and the chosen clip beside it.
import { Client, Problem, redeemLink } from "./client.js";
import { Clip } from "./clip.js";
import { ClipCard } from "./clip-card.js";
import { ClipDrop } from "./clip-drop.js";
import { CutOptions, formOf } from "./cut-options.js";
import { CutProgress } from "./cut-progress.js";
import { CutResult } from "./cut-result.js";
import { button, h } from "./html.js";
import { KeyPrompt } from "./key-prompt.js";
import { forgetKey, storedKey, storeKey, takeLinkToken } from "./stored-key.js";
import { explain } from "./texts.js";

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
  /** @type {Clip[]} */
  const clips = [];
  /** @type {Map<Clip, ClipCard>} */
  const cards = new Map();
  /** @type {Clip | null} */
  let chosen = null;
  let shownState = "";
  const list = h("div", { class: "cards", role: "list", "aria-label": "Your clips" });
  const pane = h("section", { class: "pane", "aria-label": "The chosen clip" });
  const drop = new ClipDrop();
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const more = button("Show earlier clips", () => load(), { class: "quiet" });
  more.hidden = true;
  /** @type {string | null} */
  let cursor = null;

  const leave = (/** @type {string} */ reason) => {
    for (const clip of clips) clip.leave();
    forgetKey();
    askForKey(reason);
  };
  client.addEventListener(
    "refused",
    () => leave("Your key opens nothing any more: it was revoked, or this is another server. Paste one that does."),
    { once: true },
  );
  account.replaceChildren(button("Sign out", () => leave(""), { class: "quiet" }));

  /** @param {Clip} clip @param {boolean} isNewest */
  const add = (clip, isNewest) => {
    const card = new ClipCard();
    card.clip = clip;
    card.addEventListener("choose", () => choose(clip));
    cards.set(clip, card);
    clips.push(clip);
    if (isNewest) list.prepend(card);
    else list.append(card);
    clip.addEventListener("change", () => {
      if (clip.state === "gone") remove(clip);
      else if (clip === chosen) show();
    });
  };

  /** @param {Clip} clip */
  const remove = (clip) => {
    cards.get(clip)?.remove();
    cards.delete(clip);
    clips.splice(clips.indexOf(clip), 1);
    if (clip === chosen) choose(clips.find((other) => other.state === "draft") ?? null);
    main.classList.toggle("is-empty", clips.length === 0);
  };

  /** @param {Clip | null} clip */
  const choose = (clip) => {
    chosen = clip;
    shownState = "";
    for (const [other, card] of cards) card.isChosen = other === clip;
    main.classList.toggle("is-empty", clips.length === 0);
    show();
  };

  const drafts = () => clips.filter((clip) => clip.state === "draft");

  /** Shows the chosen clip; a view lives until the state of the clip needs another. */
  const show = () => {
    if (!chosen) return pane.replaceChildren();
    const clip = chosen;
    const { state } = clip;
    const kind = ["sending", "waiting", "working"].includes(state) ? "under way" : state;
    if (kind === shownState) return;
    const isArriving = shownState === "under way";
    shownState = kind;
    const views = { draft: showOptions, done: showResult };
    const view = (kind === "draft" || kind === "done" ? views[kind] : showProgress)(clip);
    view.addEventListener("change-options", () => clip.reopen());
    view.addEventListener("remove", () => clip.remove(client));
    pane.replaceChildren(view);
    if (isArriving) pane.querySelector("h2")?.scrollIntoView({ block: "nearest" });
  };

  /** @param {Clip} clip */
  const showOptions = (clip) => {
    const view = new CutOptions();
    view.clip = clip;
    view.count = drafts().length;
    view.client = client;
    view.addEventListener("discard", () => clip.remove(client));
    view.addEventListener("cut", () => {
      for (const draft of drafts()) draft.send(client, { ...view.options }, formOf(view.options, draft));
    });
    return view;
  };

  /** @param {Clip} clip */
  const showProgress = (clip) => {
    const view = new CutProgress();
    view.clip = clip;
    view.addEventListener("cancel", () => clip.cancel(client));
    view.addEventListener("retry", () => clip.retry(client, (options) => formOf(options, clip)));
    return view;
  };

  /** @param {Clip} clip */
  const showResult = (clip) => {
    const view = new CutResult();
    view.clip = clip;
    view.addEventListener("look", (event) => {
      clip.lookAt = /** @type {CustomEvent<import("./client.js").Warning>} */ (event).detail;
      clip.reopen();
    });
    view.addEventListener("stale", async () => {
      if ((await clip.refresh(client)) && clip === chosen) choose(clip);
    });
    return view;
  };

  const load = async () => {
    try {
      const page = await client.list(cursor);
      for (const job of page.jobs) {
        const clip = Clip.ofJob(job);
        add(clip, false);
        if (job.status !== "completed" && job.status !== "failed") clip.follow(client);
      }
      cursor = page.nextCursor;
      more.hidden = cursor === null;
      problem.hidden = true;
    } catch (error) {
      problem.textContent = sentence(error);
      problem.hidden = false;
      if (error instanceof Problem && error.code === "UNREACHABLE") setTimeout(load, 2000);
    }
    main.classList.toggle("is-empty", clips.length === 0);
  };

  drop.addEventListener("clips", (event) => {
    const added = /** @type {CustomEvent<Clip[]>} */ (event).detail;
    for (const clip of added.toReversed()) add(clip, true);
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
