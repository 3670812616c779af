// What cannot be cut as it is asked for, found before it is sent.
import { rectOf, secondsOf, timesOf } from "./clip-part.js";
import { MATTES } from "./new-background.js";
import { MAX_SECS, PRESETS } from "./presets.js";
import { FORMATS, formatTime } from "./texts.js";

/** @typedef {import("./cut-options.js").Options} Options */
/** What is wrong, as a sentence, and the name of the field that mends it. @typedef {{ field: string, says: string }} Contradiction */
/** What is known of the clip; 0 where the browser does not show it. @typedef {{ duration: number, width: number, height: number }} Known */

/** Formats that are made smaller to keep a limit of bytes. */
const LIMITED = ["webm", "webp", "apng", "gif"];
const RECT = /^\d+,\d+,\d+,\d+$/;
const CROP = /^(auto|(auto:)?[1-9]\d{0,3}:[1-9]\d{0,3}|\d+,\d+,\d+,\d+)$/;

/** The first contradiction in what is asked of a clip; null without one. @param {Options} options @param {import("./clip.js").ClipSettings} settings @param {Known} known @returns {Contradiction | null} */
export function contradictionIn(options, settings, known) {
  return ofTrim(settings, known) ?? ofCrop(settings, known) ?? ofLength(options, settings, known) ?? ofFormats(options);
}

/** @param {import("./clip.js").ClipSettings} settings @param {Known} known @returns {Contradiction | null} */
function ofTrim({ trim, hints }, { duration }) {
  if (!trim) return null;
  const [from, to] = trim.split(",");
  const [start, end] = [from ? secondsOf(from) : 0, to ? secondsOf(to) : Number.POSITIVE_INFINITY];
  const says = (/** @type {string} */ sentence) => ({ field: "trim-start", says: `Trim: ${sentence}` });
  if (Number.isNaN(start) || Number.isNaN(end)) return says("times are seconds, such as 1.5, or hh:mm:ss.mmm.");
  if (start >= end) return says(`the part begins at ${formatTime(start)} and ends at ${formatTime(end)}, before it.`);
  if (duration && start >= duration)
    return says(`the part begins at ${formatTime(start)}, but the clip is over at ${formatTime(duration)}.`);
  const outside = hints.find(({ time }) => time < start - 0.0005 || time >= end - 0.0005);
  return outside
    ? says(
        `you marked a place at ${formatTime(outside.time)}, outside of the part. Undo the mark, or cut a longer part.`,
      )
    : null;
}

/** @param {import("./clip.js").ClipSettings} settings @param {Known} known @returns {Contradiction | null} */
function ofCrop({ crop }, { width, height }) {
  if (!crop) return null;
  const says = (/** @type {string} */ sentence) => ({ field: "crop", says: `Crop: ${sentence}` });
  if (!CROP.test(crop)) return says("write a shape such as 1:1, X,Y,WIDTH,HEIGHT in pixels, or auto.");
  if (!RECT.test(crop)) return null;
  if (crop.split(",").some((number) => Number(number) % 2)) return says("all four numbers are even.");
  const rect = rectOf({ trim: "", crop, cover: "" }, { width, height });
  if (rect.width === 0 || rect.height === 0) return says("the box is empty.");
  if (width && (rect.x + rect.width > width || rect.y + rect.height > height))
    return says(
      `the box reaches to ${rect.x + rect.width} × ${rect.y + rect.height}, but the frame has ${width} × ${height} pixels.`,
    );
  return null;
}

/** @param {Options} options @param {import("./clip.js").ClipSettings} settings @param {Known} known @returns {Contradiction | null} */
function ofLength({ preset, tempo, loop }, { trim }, { duration }) {
  const most = MAX_SECS[preset];
  // How long the part is that loops best, the server finds.
  if (!most || !duration || loop === "seamless") return null;
  const { start, end } = timesOf(trim, duration);
  const secs = ((Math.min(end, duration) - start) / Number(tempo)) * (loop === "boomerang" ? 2 : 1);
  if (secs < most + 0.1) return null;
  const name = PRESETS.find(([value]) => value === preset)?.[1].split(",")[0];
  const says = `A ${name} has up to ${most} seconds, and this has ${secs.toFixed(1)}. Cut a shorter part, or choose a higher tempo.`;
  return { field: "trim-end", says };
}

/** @param {Options} options @returns {Contradiction | null} */
function ofFormats(options) {
  const { preset, formats, maxBytes, width, height, fit } = options;
  if (preset) return null;
  const hasBackground = options.background !== "" || options.backgroundFile !== null;
  const names = (/** @type {string[]} */ list) =>
    list.map((format) => FORMATS[/** @type {import("./texts.js").Format} */ (format)].name).join(" and ");
  if (!hasBackground && formats.includes("mp4"))
    return { field: "formats", says: "An MP4 is opaque: choose a new background for it, or the stacked MP4." };
  const mattes = hasBackground ? formats.filter((format) => MATTES.includes(format)) : [];
  if (mattes.length > 0)
    return { field: "formats", says: `${names(mattes)}: holds a matte, and takes no new background.` };
  const unlimited = maxBytes ? formats.filter((format) => !LIMITED.includes(format)) : [];
  if (unlimited.length > 0)
    return {
      field: "maxBytes",
      says: `Max file size: ${names(unlimited)} keeps no limit. Leave it out, or the limit.`,
    };
  if (fit !== "contain" && !(width && height))
    return { field: "fit", says: "Fit: an exact size takes both width and height." };
  if (fit === "pad" && hasBackground) return { field: "fit", says: "Fit: a new background leaves no margins clear." };
  return null;
}
