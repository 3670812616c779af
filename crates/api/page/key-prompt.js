// Asks for an API key.
import { Client, Problem } from "./client.js";
import { h, uniqueId } from "./html.js";
import { isKey, storeKey } from "./stored-key.js";
import { explain } from "./texts.js";

/** `<key-prompt>`: fires `signed-in` with the key as detail, once the server has accepted it. */
export class KeyPrompt extends HTMLElement {
  /** The reason for the prompt, as a sentence. */
  reason = "";
  heading = "Sign in";

  connectedCallback() {
    const id = uniqueId();
    const problem = h("p", { class: "problem", role: "alert", hidden: !this.reason }, this.reason);
    const field = h("input", {
      id,
      type: "password",
      name: "key",
      autocomplete: "current-password",
      spellcheck: false,
      placeholder: "hc_…",
      required: true,
      "aria-describedby": `${id}-hint`,
    });
    const submit = h("button", { type: "submit", class: "primary" }, "Sign in");
    const form = h(
      "form",
      { class: "panel key-prompt" },
      h("h2", {}, this.heading),
      problem,
      h("label", { for: id }, "API key"),
      field,
      h(
        "p",
        { class: "hint", id: `${id}-hint` },
        "The server printed one when it first started; ",
        h("code", {}, "clearcut keys create"),
        " makes another. It stays in this browser.",
      ),
      submit,
    );
    form.onsubmit = async (event) => {
      event.preventDefault();
      submit.disabled = true;
      problem.textContent = await refusal(field.value.trim());
      problem.hidden = problem.textContent === "";
      submit.disabled = false;
      if (!problem.hidden) return field.focus();
      storeKey(field.value.trim());
      this.dispatchEvent(new CustomEvent("signed-in", { detail: field.value.trim() }));
    };
    this.replaceChildren(form);
  }
}

/** Why the server does not accept `key`; empty if it does. @param {string} key */
async function refusal(key) {
  if (!isKey(key)) return "A key is hc_ followed by 32 letters or digits. Copy all of it.";
  try {
    await new Client(key).list();
    return "";
  } catch (error) {
    if (error instanceof Problem && error.status === 401)
      return "This key isn't valid on this server. Check that you copied all of it, or make a new one.";
    return error instanceof Problem ? explain(error) : String(error);
  }
}

customElements.define("key-prompt", KeyPrompt);
