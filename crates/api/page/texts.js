// The texts that several views use, and how numbers are written.

/** @typedef {"webm" | "stacked-alpha" | "mp4" | "webp" | "apng" | "gif" | "mov" | "hevc-alpha" | "png-sequence" | "sprite-sheet" | "matte" | "foreground" | "poster"} Format */

/**
 * `shows`: the element that shows a file on a page, if one does. `hasQuality`: whether the option
 * `quality` applies.
 * `suffix`: what follows the name of the clip in that of the file.
 * @type {Record<Format, { name: string, about: string, plays: string, extension: string, suffix?: string, shows?: "video" | "image", hasQuality?: boolean }>}
 */
export const FORMATS = {
  webm: {
    name: "WebM",
    about: "VP9 with alpha, small, with sound",
    plays:
      "Plays transparent in Chrome, Edge and Firefox, and in apps with libvpx. Safari shows it without transparency.",
    extension: "webm",
    shows: "video",
  },
  "stacked-alpha": {
    name: "Stacked MP4",
    about: "H.264, color above its matte, with sound",
    plays:
      "Plays transparent in every browser through <clearcut-video>, in React through @hypervideo-dev/react, in apps with a shader.",
    extension: "mp4",
    shows: "video",
  },
  mp4: {
    name: "MP4",
    about: "H.264 over a new background, with sound",
    plays: "Plays everywhere. It is opaque: choose a new background in the options.",
    extension: "mp4",
    shows: "video",
  },
  webp: {
    name: "Animated WebP",
    about: "an image that moves and loops",
    plays: "Works wherever images do: <img> in every browser, and stickers of messengers.",
    extension: "webp",
    shows: "image",
    hasQuality: true,
  },
  apng: {
    name: "Animated PNG",
    about: "an image that moves and loops, larger",
    plays: "Works in <img> of every browser, and in Apple’s Messages.",
    extension: "apng",
    shows: "image",
    hasQuality: true,
  },
  gif: {
    name: "GIF",
    about: "for chats, 256 colors, hard edges",
    plays: "Works wherever images do. Every pixel is solid or clear, so edges are hard and soft shadows vanish.",
    extension: "gif",
    shows: "image",
    hasQuality: true,
  },
  mov: {
    name: "ProRes 4444",
    about: "for editors, large, with sound",
    plays: "For Final Cut, Premiere, After Effects, DaVinci Resolve. Browsers do not play it.",
    extension: "mov",
  },
  "hevc-alpha": {
    name: "HEVC with alpha",
    about: "for Safari and Apple’s apps, with sound",
    plays:
      "Plays transparent in Safari and in every browser of iOS. Other browsers show it without transparency, or not.",
    extension: "mov",
    suffix: "-hevc",
  },
  "png-sequence": {
    name: "PNG sequence",
    about: "one PNG for each frame, in a ZIP, large",
    plays: "For game engines, compositors and scripts. sequence.json in the ZIP has the rate.",
    extension: "zip",
  },
  "sprite-sheet": {
    name: "Sprite sheet",
    about: "all frames in one PNG, with their places in a JSON file, in a ZIP",
    plays: "For Phaser, PixiJS and other game engines. A sheet has at most 8192 pixels a side.",
    extension: "zip",
    suffix: "-sprites",
  },
  matte: {
    name: "Matte",
    about: "only the alpha, as gray H.264",
    plays: "A luma matte of full range for editors, beside the clip itself.",
    extension: "mp4",
    suffix: "-matte",
  },
  foreground: {
    name: "Foreground",
    about: "only the colors of the subject, for the matte, as H.264",
    plays: "For editors that take color and matte apart: no old background at the edges. Make the matte with it.",
    extension: "mp4",
    suffix: "-foreground",
  },
  poster: {
    name: "Poster",
    about: "an early frame that shows the subject, as a PNG",
    plays: "For the poster of a video, and thumbnails.",
    extension: "png",
    suffix: "-poster",
  },
};

/** @type {Record<"auto" | "chroma" | "ai", { name: string, about: string }>} */
export const METHODS = {
  auto: {
    name: "Automatic",
    about: "By color if the background is plain, otherwise by a neural model if the server has one.",
  },
  chroma: { name: "By color", about: "Sharp edges, and fast. The background must be plain, but may be uneven." },
  ai: { name: "By a neural model", about: "Works on any background. Slower, and softer at hair and edges." },
};

const WAITING = "Waiting for its turn";
const STORING = "Checking and storing the files";

/** What is done in each stage of a job. @type {Record<"video" | "image", Record<string, string>>} */
export const STAGES = {
  video: {
    "queued-on-railway": WAITING,
    "loading-input": "Measuring the background",
    "processing-video": "Cutting frame by frame",
    "uploading-outputs": STORING,
  },
  image: {
    "queued-on-railway": WAITING,
    "loading-input": "Reading the images",
    "processing-video": "Cutting image by image",
    "uploading-outputs": STORING,
  },
};

/** What to do about an error, by its code: the server's sentence says only what happened. @type {Record<string, string>} */
const ADVICE = {
  INVALID_VIDEO: "Try another file, or export it again.",
  INVALID_IMAGE: "Try another file, or export it again.",
  NO_FLAT_BACKGROUND: "Choose the background color, or film in front of a plain background.",
  INVALID_BACKGROUND: "Choose another image or video, or a color.",
  FILE_TOO_LARGE: "Use a shorter or smaller file, or ask the administrator to raise the limit.",
  PREVIEWS_BUSY: "You can still cut the clip.",
  RATE_LIMITED: "Wait a moment, then try again.",
  INSUFFICIENT_STORAGE: "Remove old results, or ask the administrator to free space.",
  UNAVAILABLE: "Try again in a moment.",
  INTERNAL_ERROR: "Try again. If it happens again, ask the administrator to check the server’s log.",
  PROCESSING_FAILED: "Try again. If it happens again, convert the file first.",
  WORKER_LOST: "Try again, with a smaller size if the clip is very large.",
  TIMEOUT: "Try again, with a smaller size or fewer formats.",
  INPUT_GONE: "Add it again.",
  UNREACHABLE: "Check your connection, then try again.",
};

/** The name that the server gives to an output of the clip. @param {string} clipName @param {Format} format */
export function outputName(clipName, format) {
  const { extension, suffix = "" } = FORMATS[format];
  const stem = clipName.replace(/\.[a-z0-9]{2,4}$/i, "");
  const name = `${stem}${suffix}.${extension}`;
  return name.toLowerCase() === clipName.toLowerCase() ? `${stem}-cut${suffix}.${extension}` : name;
}

/** An error as sentences for people. @param {{ code?: string, message?: string }} failure */
export function explain({ code = "", message = "" }) {
  if (code === "JOB_CANCELLED") return "It was cancelled. Nothing was made.";
  const said = message.charAt(0).toUpperCase() + message.slice(1);
  const ended = /[.!?…]$/.test(said) ? said : `${said}.`;
  return ADVICE[code] ? `${ended} ${ADVICE[code]}` : ended;
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** A size and its limit, in the unit of the limit: `244 of 256 KB`. @param {number} bytes @param {number} limit */
export function formatShare(bytes, limit) {
  const [unit, name] = limit >= 1e6 && limit % 1e6 === 0 ? [1e6, "MB"] : [1e3, "KB"];
  const digits = unit === 1e6 ? 2 : limit < 1e4 ? 1 : 0;
  // Rounded up, for a file of 256.4 KB is not one of 256.
  const value = Math.ceil((bytes / unit) * 10 ** digits) / 10 ** digits;
  return `${value} of ${limit / unit} ${name}`;
}

/** @param {number} secs */
export function formatDuration(secs) {
  if (secs < 1.5) return "a second";
  if (secs < 60) return `${Math.round(secs)} seconds`;
  const minutes = Math.round(secs / 60);
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}

/** A time in a clip, as 0:03.25. @param {number} secs */
export function formatTime(secs) {
  // 1.2 is a little less than 1.2.
  const hundredths = Math.floor(secs * 100 + 1e-6);
  const two = (/** @type {number} */ number) => String(number % 100).padStart(2, "0");
  const whole = Math.floor(hundredths / 100);
  return `${Math.floor(whole / 60)}:${two(whole % 60)}.${two(hundredths)}`;
}

/** @param {number} seconds since 1970 */
export const formatDate = (seconds) =>
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);

/** When something was: the time of today, or the date. @param {number} seconds since 1970 */
export function formatMoment(seconds) {
  const [then, now] = [new Date(seconds * 1000), new Date()];
  const isToday = then.toDateString() === now.toDateString();
  return new Intl.DateTimeFormat(undefined, isToday ? { timeStyle: "short" } : { dateStyle: "medium" }).format(then);
}

/** `text` in the quotes of a shell. @param {string} text */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
