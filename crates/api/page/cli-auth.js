// Gives the key to the official command line on this computer, if the user confirms.
import { button, h } from "./html.js";
import { KeyPrompt } from "./key-prompt.js";
import { storedKey } from "./stored-key.js";

/** The ports on which `hypervideo login` waits. */
const [FIRST, LAST] = [8472, 8499];

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const asked = new URLSearchParams(location.search);
const port = Number(asked.get("port"));

/** The address on this computer at which the command line waits. @param {string} key */
function callback(key) {
  const address = new URL(`http://localhost:${port}/`);
  address.searchParams.set("success", "true");
  address.searchParams.set("key", key);
  const state = asked.get("state");
  if (state !== null) address.searchParams.set("state", state);
  return address.href;
}

/** @param {string} key */
function confirm(key) {
  const allow = button("Allow", () => location.assign(callback(key)), { class: "primary" });
  const refuse = button("Deny", () => say("Access denied", "You can close this window."));
  main.replaceChildren(
    h(
      "section",
      { class: "panel" },
      h("h2", {}, "Sign in a command line?"),
      h(
        "p",
        {},
        "A program on this computer, waiting at port ",
        h("b", {}, String(port)),
        ", asks for your key ",
        h("code", {}, `${key.slice(0, 7)}…`),
        " of this server.",
      ),
      h(
        "p",
        { class: "hint" },
        "Allow this only if you have just run ",
        h("code", {}, "hypervideo login"),
        " yourself. It can then do all that this key can.",
      ),
      h("div", { class: "actions" }, allow, refuse),
    ),
  );
  allow.focus();
}

/** @param {string} heading @param {string} sentence */
function say(heading, sentence) {
  main.replaceChildren(h("section", { class: "panel" }, h("h2", {}, heading), h("p", { role: "alert" }, sentence)));
}

function begin() {
  if (!/^\d{4}$/.test(asked.get("port") ?? "") || port < FIRST || port > LAST)
    return say(
      "This link is invalid",
      `A command line waits at a port from ${FIRST} to ${LAST}. Run hypervideo login again, and open the link it shows.`,
    );
  const key = storedKey();
  if (key) return confirm(key);
  const prompt = new KeyPrompt();
  prompt.heading = "Sign in first";
  prompt.addEventListener("signed-in", (event) => confirm(/** @type {CustomEvent<string>} */ (event).detail));
  main.replaceChildren(prompt);
}

begin();
