// The sheet of keyboard shortcuts, under `?`.
import { button, h, uniqueId } from "./html.js";

/** @type {[keys: string[], act: string][]} */
const SHORTCUTS = [
  [["?"], "Show this list"],
  [["Space"], "Play or pause the result"],
  [["←", "→"], "One frame back or forward; with Shift, ten"],
  [[",", "."], "One frame back or forward, also while zoomed in"],
  [["Home", "End"], "First or last frame"],
  [["1", "2", "3", "4"], "Show the original, the cut, the matte, the comparison"],
  [["B"], "Switch between the two that are compared"],
  [["+", "−", "0"], "Zoom in, zoom out, fit"],
  [["Ctrl", "wheel"], "Zoom at the pointer; double-click for 200 %"],
];

/** Opens the sheet. */
export function showShortcuts() {
  if (document.querySelector("dialog[open]")) return;
  const id = uniqueId();
  const rows = SHORTCUTS.map(([keys, act]) =>
    h("div", {}, h("dt", {}, ...keys.map((key) => h("kbd", {}, key))), h("dd", {}, act)),
  );
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { class: "panel ask", "aria-labelledby": id },
    h("h2", { id }, "Keyboard shortcuts"),
    h("p", { class: "hint" }, "All but the first work while the picture of a result has the focus."),
    h("dl", { class: "shortcuts" }, ...rows),
    h(
      "div",
      { class: "actions" },
      button("Close", () => dialog.close()),
    ),
  );
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}

/** Opens the sheet under `?`, unless a text is written. @param {KeyboardEvent} event */
export function listenForShortcuts(event) {
  const { target } = event;
  const isText = target instanceof HTMLInputElement && !["range", "checkbox", "radio", "color"].includes(target.type);
  if (event.key !== "?" || isText || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  showShortcuts();
}
