// The fields that the options of clips and of images have in common.
import { button, h, uniqueId } from "./html.js";
import { METHODS } from "./texts.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {"auto" | "chroma" | "ai"} Method */

/** `<background-field>`: the background color, picked or measured; fires `pick` with a color, or null, as detail. */
export class BackgroundField extends HTMLElement {
  /** What is said of a color that is measured. */
  measured = "is measured over the whole clip";
  /** How a color is picked. */
  advice = "Click the frame to pick the color, if the measured one is wrong.";
  #swatch = h("input", { type: "color", "aria-label": "Background color" });
  #key = h("span", { class: "key-color" });
  #forget = button("Measure it instead", () => this.#pick(null), { class: "quiet" });

  connectedCallback() {
    this.className = "field";
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", "Background color");
    this.#swatch.oninput = () => this.#pick(this.#swatch.value);
    this.replaceChildren(
      h("div", { class: "row swatch-row" }, this.#swatch, h("span", {}, "The background ", this.#key, ".")),
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
    this.#key.textContent = color ? `is ${color.toUpperCase()}` : this.measured;
    this.#forget.hidden = color === null;
  }

  /** Shows what was measured. @param {string} color */
  showMeasured(color) {
    this.#swatch.value = color.toLowerCase();
    this.#swatch.classList.remove("is-unset");
    this.#key.textContent = `${this.measured}: ${color}`;
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
    id,
    min: "0",
    max: "100",
    step: "5",
    value: String(tolerance),
    "aria-describedby": `${id}-ends`,
  });
  range.oninput = () => {
    shown.textContent = describeTolerance(range.valueAsNumber);
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
      h("span", {}, "keeps more subject"),
      h("span", {}, "removes more background"),
    ),
  );
}

/** @param {number} tolerance */
function describeTolerance(tolerance) {
  const manner = tolerance < 15 ? "careful" : tolerance < 45 ? "balanced" : tolerance < 75 ? "thorough" : "ruthless";
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
