// The fields that the options of clips and of images have in common.
import { button, h, uniqueId } from "./html.js";
import { METHODS } from "./texts.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {"auto" | "chroma" | "ai"} Method */

/** `<background-field>`: the background color, picked or measured; fires `pick` with a color, or null, as detail. */
export class BackgroundField extends HTMLElement {
  /** What is said of a color that is measured. */
  measured = "measured from the clip";
  /** How a color is picked. */
  advice = "If that is wrong, click the background in the picture, or choose a color.";
  #swatch = h("input", { type: "color", "aria-label": "Background color" });
  #key = h("span", { class: "key-color" });
  #forget = button("Use the measured color", () => this.#pick(null), { class: "quiet" });

  connectedCallback() {
    this.className = "field";
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", "Background color");
    this.#swatch.oninput = () => this.#pick(this.#swatch.value);
    this.replaceChildren(
      h("div", { class: "row swatch-row" }, this.#swatch, h("span", {}, "Background: ", this.#key)),
      h("p", { class: "hint" }, this.advice),
      this.#forget,
    );
  }

  /** @param {string | null} color */
  #pick(color) {
    this.dispatchEvent(new CustomEvent("pick", { detail: color }));
  }

  /** Shows the color that was picked; null if it is measured. @param {string | null} color */
  show(color) {
    this.#swatch.value = color ?? "#00ff00";
    this.#swatch.classList.toggle("is-unset", color === null);
    this.#key.textContent = color ? color.toUpperCase() : this.measured;
    this.#forget.hidden = color === null;
  }

  /** Shows what was measured. @param {string} color */
  showMeasured(color) {
    this.#swatch.value = color.toLowerCase();
    this.#swatch.classList.remove("is-unset");
    this.#key.textContent = `${color}, ${this.measured}`;
  }
}

/**
 * The method: by color or by a model. `onChange` is told of another one, also if this server has no model.
 * @param {Client | null} client @param {Method} method @param {(method: Method) => void} onChange
 */
export function methodField(client, method, onChange) {
  const id = uniqueId();
  const about = h("p", { class: "hint", id: `${id}-hint` }, METHODS[method].about);
  const choices = Object.entries(METHODS).map(([value, { name }]) => h("option", { value }, name));
  const select = h("select", { id, name: "method", "aria-describedby": about.id }, ...choices);
  const change = () => {
    const chosen = /** @type {Method} */ (select.value);
    about.textContent = METHODS[chosen].about;
    onChange(chosen);
  };
  select.value = method;
  select.onchange = change;
  client?.hasModel().then((hasModel) => {
    if (hasModel) return;
    const ai = /** @type {HTMLOptionElement} */ (select.querySelector("[value=ai]"));
    ai.disabled = true;
    ai.textContent = `${METHODS.ai.name} (this server has none)`;
    if (select.value !== "ai") return;
    select.value = "auto";
    change();
  });
  const row = h("div", { class: "row spread" }, h("label", { for: id }, "Method"), select);
  return h("div", { class: "field" }, row, about);
}

/** How far a color may differ. @param {number} tolerance @param {(tolerance: number) => void} onChange */
export function toleranceField(tolerance, onChange) {
  const id = uniqueId();
  const shown = h("output", {}, describeTolerance(tolerance));
  const range = h("input", {
    type: "range",
    name: "tolerance",
    "aria-valuetext": describeTolerance(tolerance),
    id,
    min: "0",
    max: "100",
    step: "5",
    value: String(tolerance),
    "aria-describedby": `${id}-ends`,
  });
  range.oninput = () => {
    shown.textContent = describeTolerance(range.valueAsNumber);
    range.setAttribute("aria-valuetext", shown.textContent);
    onChange(range.valueAsNumber);
  };
  return h(
    "div",
    { class: "field" },
    h("div", { class: "row spread" }, h("label", { for: id }, "Tolerance"), shown),
    range,
    h(
      "div",
      { class: "row spread hint", id: `${id}-ends` },
      h("span", {}, "gentle: keeps more"),
      h("span", {}, "strong: removes more"),
    ),
  );
}

/** @param {number} tolerance */
function describeTolerance(tolerance) {
  const manner = tolerance < 20 ? "gentle" : tolerance < 45 ? "balanced" : tolerance < 75 ? "firm" : "strong";
  return `${tolerance}, ${manner}`;
}

/** Options that the person chose last, kept under `key`. @template T @param {string} key @param {T} defaults @returns {T} */
export function keptOptions(key, defaults) {
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
  } catch {
    return defaults;
  }
}

customElements.define("background-field", BackgroundField);
