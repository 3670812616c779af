// The part of a clip, and of its frames, that a job cuts.
import { SQUARE_PRESETS } from "./presets.js";

/**
 * `trim` is a part of the clip, as `START,END`; `crop` one of its frame, a rectangle or a shape; `cover` the shape to which what is
 * left is cropped, `pad` that to which it gets margins. Empty for all of it. `isRetimed`: it plays in another
 * tempo, or as a loop.
 * @typedef {{ trim: string, crop: string, cover: string, pad?: string, isRetimed?: boolean }} Part
 */
/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */

const STORAGE_KEY = "clearcut.parts";
/** So many jobs are kept in mind. */
const MAX_KEPT = 200;

/** The part that the fields of a submit ask for. @param {FormData} form @returns {Part} */
export function partOf(form) {
  const field = (/** @type {string} */ name) => String(form.get(name) ?? "");
  const shape = (/** @type {string} */ fit) => (field("fit") === fit ? `${field("width")}:${field("height")}` : "");
  const pad = SQUARE_PRESETS.has(field("preset")) ? "1:1" : shape("pad");
  const isRetimed = form.has("tempo") || form.has("loop");
  return { trim: field("trim"), crop: field("crop"), cover: shape("cover"), pad, isRetimed };
}

/** @returns {[string, Part][]} */
function keptParts() {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
  } catch {
    return [];
  }
}

/** Keeps in mind what a job cuts, for later visits: the server does not say it. @param {string} jobId @param {Part} part */
export function keepPart(jobId, part) {
  const others = keptParts().slice(1 - MAX_KEPT);
  localStorage.setItem(STORAGE_KEY, JSON.stringify([...others, [jobId, part]]));
}

/** What a job cuts; null if it was not submitted here. @param {string} jobId @returns {Part | null} */
export const keptPart = (jobId) => keptParts().find(([id]) => id === jobId)?.[1] ?? null;

/** The seconds of `1.5`, `02:01.5` or `1:02:01.5`; NaN of anything else. @param {string} time */
export const secondsOf = (time) =>
  time.split(":").reduce((sum, unit) => sum * 60 + (unit ? Number(unit) : Number.NaN), 0);

/** From when to when a part lies in a clip of `duration` seconds; all of the clip if it is no part. @param {string} trim @param {number} duration */
export function timesOf(trim, duration) {
  const [from = "", to = ""] = trim.split(",").map((time) => time.trim());
  const [start, end] = [from ? secondsOf(from) : 0, to ? secondsOf(to) : duration];
  return start < end ? { start, end } : { start: 0, end: duration };
}

/** A part from when to when as `START,END`; empty for all of a clip of `duration` seconds. @param {{ start: number, end: number }} times @param {number} duration */
export function trimOf({ start, end }, duration) {
  const [from, to] = [start > 0 ? String(start) : "", end < duration ? String(end) : ""];
  return from || to ? `${from},${to}` : "";
}

/** The rectangle that is cut of a frame, in pixels; with margins it lies around the frame. @param {Part} part @param {{ width: number, height: number }} frame @returns {Rect} */
export function rectOf({ crop, cover, pad }, frame) {
  const whole = { x: 0, y: 0, ...frame };
  const [x, y, width, height] = crop.split(",").map(Number);
  const rect = crop.includes(",") ? { x, y, width, height } : middleOf(crop, whole);
  return pad ? around(pad, rect) : middleOf(cover, rect);
}

/** The smallest rectangle of a shape around another. @param {string} shape @param {Rect} rect */
function around(shape, rect) {
  const [across, down] = shape.split(":").map(Number);
  const width = Math.max(rect.width, (rect.height * across) / down);
  const height = Math.max(rect.height, (rect.width * down) / across);
  return { x: rect.x - (width - rect.width) / 2, y: rect.y - (height - rect.height) / 2, width, height };
}

/** The largest rectangle of a shape around the middle of another, with even sides, as the server takes it. @param {string} shape @param {Rect} rect */
function middleOf(shape, rect) {
  if (!shape) return rect;
  const [across, down] = shape.split(":").map(Number);
  const even = (/** @type {number} */ pixels) => Math.floor(pixels / 2) * 2;
  const fitsWidth = rect.width * down <= rect.height * across;
  const width = even(fitsWidth ? rect.width : Math.floor((rect.height * across) / down));
  const height = even(fitsWidth ? Math.floor((rect.width * down) / across) : rect.height);
  const [x, y] = [rect.x + even((rect.width - width) / 2), rect.y + even((rect.height - height) / 2)];
  return { x, y, width, height };
}
