// The color of the page that a GIF is made for.
import { h, uniqueId } from "./html.js";

/** @typedef {import("./cut-options.js").Options} Options */

/** Whether the edges of a GIF can be mixed with a color. @param {Options} options */
export const hasHardEdges = ({ formats, background, backgroundFile }) =>
  formats.includes("gif") && !background && !backgroundFile;

/** The color that is sent; empty if there is none, or no use for it. @param {Options} options */
export const edgeColorOf = (options) => (hasHardEdges(options) ? options.edgeColor : "");

/** The field. @param {Options} options */
export function edgeColorField(options) {
  const id = uniqueId();
  const select = h(
    "select",
    { id, name: "edge" },
    h("option", { value: "" }, "Hard"),
    h("option", { value: "color" }, "Mixed with a color"),
  );
  const color = h("input", { type: "color", name: "edge-color", "aria-label": "Color of the page behind the GIF" });
  select.value = options.edgeColor ? "color" : "";
  color.value = options.edgeColor || "#ffffff";
  const change = () => {
    color.hidden = select.value === "";
    options.edgeColor = color.hidden ? "" : color.value;
  };
  select.onchange = change;
  color.onchange = change;
  change();
  return h(
    "div",
    { class: "field" },
    h(
      "div",
      { class: "row spread" },
      h("label", { for: id }, "Edges of the GIF"),
      h("span", { class: "row" }, select, color),
    ),
    h("p", { class: "hint" }, "Mixed with the color of the page that it is for, they look soft there."),
  );
}
