// A question before something is lost.
import { button, h, uniqueId } from "./html.js";

/**
 * Asks, and waits for the answer. The focus goes back to where it was.
 * @param {string} question @param {string} detail what is lost @param {string} yes the button that does it @param {string} no
 * @returns {Promise<boolean>}
 */
export function ask(question, detail, yes, no) {
  const id = uniqueId();
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { class: "panel ask", "aria-labelledby": id },
    h("h2", { id }, question),
    h("p", {}, detail),
    h(
      "div",
      { class: "actions" },
      button(yes, () => dialog.close("yes"), { class: "primary" }),
      button(no, () => dialog.close()),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((answer) => {
    dialog.onclose = () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    };
  });
}
