// Tells a person who looks elsewhere how far the work is: in the title of the page, and by a notification once allowed.
import { button } from "./html.js";

/** @typedef {import("./item.js").Item} Item */

const TITLE = document.title;
/** Since when an item was under way, as far as the page has seen it. @type {WeakSet<Item>} */
const seen = new WeakSet();
/** What ended while nobody looked. @type {Set<Item>} */
const news = new Set();

const isUnderWay = (/** @type {Item} */ { state }) => state === "sending" || state === "waiting" || state === "working";

/** The share that is done, of sending and cutting alike. @param {Item} item */
const progressOf = ({ sentShare, job }) => (sentShare === null ? (job?.progress ?? 0) : sentShare * 10);

/** Shows the work on `items` in the title. Returns those that ended just now. @param {Item[]} items */
export function tellNews(items) {
  const busy = items.filter(isUnderWay);
  const ended = items.filter((item) => seen.has(item) && !isUnderWay(item) && item.state !== "draft");
  for (const item of busy) seen.add(item);
  for (const item of ended) {
    seen.delete(item);
    if (!document.hasFocus()) news.add(item);
    notify(item);
  }
  const percent = Math.round(busy.reduce((sum, item) => sum + progressOf(item), 0) / busy.length);
  const what = busy.length === 1 ? busy[0].name : `${busy.length} in progress`;
  if (busy.length > 0) document.title = `${percent} % · ${what} – clearcut`;
  else document.title = news.size > 0 ? `${markOf([...news])} – clearcut` : TITLE;
  return ended;
}

/** @param {Item[]} items */
function markOf(items) {
  const failed = items.filter(({ state }) => state === "failed").length;
  const what = items.length === 1 ? items[0].name : `${items.length} are done`;
  return failed > 0 ? `✗ ${what}` : `✓ ${what}`;
}

addEventListener("focus", () => {
  if (news.size === 0) return;
  news.clear();
  document.title = TITLE;
});

/** @param {Item} item */
function notify(item) {
  if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
  const body = item.state === "done" ? item.verdict : item.failure;
  const notice = new Notification(item.name, { body, icon: "/page/icon.svg", tag: item.job?.jobId });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
}

/** A button that asks for notifications; null where they are allowed or refused already, or the browser has none. */
export function noticeButton() {
  if (!("Notification" in window) || !window.isSecureContext || Notification.permission !== "default") return null;
  const ask = async () => {
    await Notification.requestPermission();
    offer.remove();
  };
  const offer = button("Notify me when it is done", ask, { class: "quiet" });
  return offer;
}
