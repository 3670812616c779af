// The new background of a cut: nothing, a color, the blurred clip, or a file.
import { h, uniqueId } from "./html.js";

/** @typedef {import("./cut-options.js").Options} Options */
/** @typedef {import("./texts.js").Format} Format */

const COLOR = "#ffffff";
/** Formats that hold a matte, and take no background. @type {Format[]} */
export const MATTES = ["stacked-alpha", "matte", "foreground"];
/** The formats of a cut without a background. @type {Format[]} */
const TRANSPARENT = ["webm", "stacked-alpha"];

/** What is chosen. @param {Options} options */
function choiceOf({ background, backgroundFile }) {
  if (backgroundFile) return "file";
  return background.startsWith("#") ? "color" : background;
}

/**
 * The field. It changes the formats of `options` to those that go with the choice, and `onChange` is told.
 * @param {Options} options @param {() => void} onChange
 */
export function newBackgroundField(options, onChange) {
  const id = uniqueId();
  const choices = [
    ["", "None, transparent"],
    ["color", "A color"],
    ["blur", "The clip, blurred"],
    ["file", "An image or a video"],
  ];
  const select = h("select", { id }, ...choices.map(([value, text]) => h("option", { value }, text)));
  const color = h("input", { type: "color", name: "background", "aria-label": "Color of the new background" });
  const file = h("input", {
    type: "file",
    name: "background-file",
    accept: "image/*,video/*",
    "aria-label": "File of the new background",
  });
  const show = () => {
    color.hidden = select.value !== "color";
    file.hidden = select.value !== "file";
    // Without it, nothing would be put behind the subject.
    file.required = select.value === "file" && !options.backgroundFile;
  };
  select.value = choiceOf(options);
  color.value = options.background.startsWith("#") ? options.background : COLOR;
  show();
  const change = () => {
    const had = options.background !== "" || options.backgroundFile !== null;
    options.backgroundFile = select.value === "file" ? (file.files?.[0] ?? null) : null;
    options.background = { color: color.value, blur: "blur" }[select.value] ?? "";
    const has = options.background !== "" || options.backgroundFile !== null;
    if (has && !had) options.formats = ["mp4"];
    if (has) options.formats = options.formats.filter((format) => !MATTES.includes(format));
    if (!has && had) options.formats = TRANSPARENT;
    show();
    onChange();
  };
  select.onchange = change;
  color.onchange = change;
  file.onchange = change;
  return h(
    "div",
    { class: "field" },
    h(
      "div",
      { class: "row spread" },
      h("label", { for: id }, "New background"),
      h("span", { class: "row" }, select, color, file),
    ),
    h("p", { class: "hint" }, "Makes the files opaque: an MP4, unless you choose other formats."),
  );
}
