// Leads to a field of the options: one that was refused, or one that mends a warning.
import { REMEDIES } from "./remedies.js";

/** Where the control of a remedy is. */
const PLACES = {
  tolerance: "input[name=tolerance]",
  color: "background-field input",
  size: "select[name=size]",
  mark: "frame-preview input[value=cut]",
};

/** Opens the further options. @param {Element} form */
export function openMore(form) {
  const more = form.querySelector("details.more");
  if (more instanceof HTMLDetailsElement) more.open = true;
}

/** Opens and marks the fields that were refused: the sentence of the server begins with their name. @param {Element} form @param {string} problem */
export function showRefused(form, problem) {
  const said = problem.toLowerCase();
  const fields = [...form.querySelectorAll("details.more [name]")].filter((field) => {
    const [name] = /** @type {HTMLInputElement} */ (field).name.split("-");
    return said.startsWith(`${name} `);
  });
  if (fields.length > 0) openMore(form);
  for (const field of fields) field.setAttribute("aria-invalid", "true");
  if (fields[0] instanceof HTMLElement) show(fields[0]);
}

/** Gives a field the focus, and brings it above the actions, which lie over the end of the form. @param {HTMLElement} field */
function show(field) {
  field.focus({ preventScroll: true });
  field.scrollIntoView({ block: "center" });
}

/** Leads to the field that contradicts another. @param {Element} form @param {string} name of the field */
export function showWrong(form, name) {
  const field = form.querySelector(`[name="${name}"]`);
  if (!(field instanceof HTMLElement)) return;
  if (field.closest("details.more")) openMore(form);
  field.setAttribute("aria-invalid", "true");
  show(field);
}

/** Leads to the control that mends a warning. @param {Element} options @param {string} code of the warning */
export function showRemedy(options, code) {
  const { control } = REMEDIES[code] ?? {};
  const field = control && /** @type {HTMLElement | null} */ (options.querySelector(PLACES[control]));
  if (!field) return;
  if (field.closest("details.more")) openMore(options);
  field.closest(".field, fieldset")?.classList.add("is-advised");
  field.focus();
}
