// The fields of a submit.
import { edgeColorOf } from "./edge-color.js";
import { FORMATS } from "./texts.js";

/** @typedef {import("./cut-options.js").Options} Options */

/** Whether the option `quality` applies to a format. @param {Options} options */
export const hasQuality = ({ formats }) => formats.some((format) => FORMATS[format]?.hasQuality);

/** The fields of a submit. @param {Options} options @param {import("./clip.js").ClipSettings} settings */
export function formOf(options, { keyColor, hints, trim, crop }) {
  const form = new FormData();
  if (options.preset) form.append("preset", options.preset);
  else appendChosen(form, options);
  if (options.method !== "auto") form.append("method", options.method);
  // A model takes no color, and compares none.
  if (options.method !== "ai") form.append("tolerance", String(options.tolerance));
  if (keyColor && options.method !== "ai") form.append("chromaKey", keyColor);
  if (hints.length > 0) form.append("hints", JSON.stringify(hints));
  if (trim) form.append("trim", trim);
  if (crop) form.append("crop", crop);
  if (options.tempo !== "1") form.append("tempo", options.tempo);
  if (options.loop) form.append("loop", options.loop);
  if (options.backgroundFile) form.append("background", options.backgroundFile);
  else if (options.background) form.append("background", options.background);
  return form;
}

/** Appends what a preset sets otherwise. @param {FormData} form @param {Options} options */
function appendChosen(form, options) {
  form.append("formats", JSON.stringify(options.formats));
  form.append("fps", options.fps);
  if (options.audio === "drop") form.append("audio", "drop");
  const { width, height, fit } = options;
  // What is asked exactly comes before the longer side.
  if (width) form.append("width", width);
  if (height) form.append("height", height);
  if (width && height && fit !== "contain") form.append("fit", fit);
  if (options.size && !width && !height) form.append("size", options.size);
  if (options.maxBytes) form.append("maxBytes", options.maxBytes);
  if (hasQuality(options)) form.append("quality", String(options.quality));
  if (edgeColorOf(options)) form.append("edgeColor", edgeColorOf(options));
}
