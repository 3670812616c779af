// The entry point of the page: signs in, then shows the desk.
import { Client, Problem, redeemLink } from "./client.js";
import { Desk } from "./desk.js";
import { button } from "./html.js";
import { forgetPictures } from "./kept-jobs.js";
import { KeyPrompt } from "./key-prompt.js";
import { listenForShortcuts, showShortcuts } from "./shortcuts.js";
import { forgetKey, storedKey, storeKey, takeLinkToken } from "./stored-key.js";
import { explain } from "./texts.js";

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const account = /** @type {HTMLElement} */ (document.querySelector("#account"));

/** @param {string} reason why a key is asked for */
function askForKey(reason) {
  account.replaceChildren();
  const prompt = new KeyPrompt();
  prompt.reason = reason;
  prompt.addEventListener("signed-in", (event) => work(/** @type {CustomEvent<string>} */ (event).detail));
  main.className = "is-signed-out";
  main.replaceChildren(prompt);
}

/** Shows the desk of one key. @param {string} key */
function work(key) {
  const client = new Client(key);
  const desk = new Desk(client, main);
  const leave = (/** @type {string} */ reason) => {
    desk.leave();
    forgetKey();
    forgetPictures();
    askForKey(reason);
  };
  client.addEventListener(
    "refused",
    () => leave("Your key is no longer valid: it was revoked, or this is another server. Paste a valid one."),
    { once: true },
  );
  const signOut = async () => (await desk.mayLeave()) && leave("");
  const keys = button("Keyboard shortcuts", showShortcuts, { icon: "keys", isBare: true });
  account.replaceChildren(keys, button("Sign out", signOut, { class: "quiet" }));
}

document.addEventListener("keydown", listenForShortcuts);
const token = takeLinkToken();
const kept = storedKey();
if (token) {
  redeemLink(token).then(
    (key) => {
      storeKey(key);
      work(key);
    },
    (error) => (kept ? work(kept) : askForKey(error instanceof Problem ? explain(error) : String(error))),
  );
} else if (kept) work(kept);
else askForKey("");
