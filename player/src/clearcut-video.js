// <clearcut-video>: a <video> whose pictures are transparent, whatever of the formats of clearcut this browser shows so.
import { copyTracks, showCaptions } from "./captions.js";
import { composite, redraws } from "./compositor.js";
import { CONTROLS_STYLE, controlsOf } from "./controls.js";
import { STYLE, sizeOf } from "./layout.js";
import { mirrorVideo } from "./mirror.js";
import { isShown, kindOf, offered } from "./sources.js";
import { follow, unfollow } from "./viewport.js";

const EVENTS =
  "abort canplay canplaythrough durationchange emptied encrypted ended enterpictureinpicture leavepictureinpicture loadeddata " +
  "loadedmetadata loadstart pause play playing progress ratechange resize seeked seeking stalled suspend timeupdate volumechange " +
  "waiting waitingforkey";
/** How many elements keep their files. The other ones that are far off the screen let them go: browsers open only so many. */
const MAX_LOADED = 24;

/** Elements with a file, the least recently near first. @type {Set<ClearcutVideo>} */
const loaded = new Set();
/** @type {CSSStyleSheet | undefined} */
let style;

/** @type {typeof HTMLElement} */
const Base = globalThis.HTMLElement ?? class {};

/** `<clearcut-video>`: attributes, properties, methods and events are those of `<video>`. */
export class ClearcutVideo extends Base {
  static observedAttributes = [
    ..."src poster loop muted playsinline crossorigin autoplay preload controls width height".split(" "),
    ..."disablepictureinpicture disableremoteplayback".split(" "),
  ];

  /** The `<video>` within, whose frames may be stacked. */
  video = document.createElement("video");
  /** What is played. @type {"webm" | "hevc" | "stacked"} */
  kind = "stacked";
  #canvas = document.createElement("canvas");
  #poster = new Image();
  #captions = document.createElement("div");
  #size = new CSSStyleSheet();
  #internals;
  /** @type {HTMLElement | undefined} */
  #controls;
  /** The sources that are chosen from, as JSON. */
  #offered = "[]";
  /** Those that were not tried. @type {import("./sources.js").Source[]} */
  #rest = [];
  #src = "";
  #isOpen = false;
  /** Whether load() or play() ask for the file wherever the element is. */
  #isAsked = false;
  #isNear = false;
  #isSeen = false;
  #isWanted = false;
  /** Whether it has played or sought: the poster is over. */
  #hasBegun = false;
  /** @type {MediaError | null} */
  #error = null;
  /** What it was when it let its file go. @type {{ [name: string]: unknown, currentTime: number } | null} */
  #asleep = null;
  /** Whether its file was opened again, and has told no data yet. */
  #isReopened = false;
  /** What play() has promised. @type {{ resolve: () => void, reject: (error: DOMException) => void }[]} */
  #plays = [];

  constructor() {
    super();
    const { video } = this;
    if (!style) {
      style = new CSSStyleSheet();
      style.replaceSync(STYLE + CONTROLS_STYLE);
    }
    const slot = document.createElement("slot");
    slot.onslotchange = () => {
      this.#choose();
      if (this.#isOpen) copyTracks(this, video);
    };
    this.#captions.className = "captions";
    this.#captions.part.add("captions");
    this.#poster.alt = "";
    this.#poster.hidden = true;
    this.#poster.onload = () => this.#fit();
    this.#internals = this.attachInternals();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style, this.#size];
    root.append(this.#canvas, video, this.#poster, this.#captions, slot);
    showCaptions(video, this.#captions);
    video.onerror = () => {
      if (video.hasAttribute("src")) this.#next();
    };
    for (const type of EVENTS.split(" ")) video.addEventListener(type, () => this.#tell(type));
    const tells = Boolean(video.requestVideoFrameCallback);
    const drawNext = () => {
      this.#draw();
      if (tells) video.requestVideoFrameCallback(drawNext);
      else if (!video.paused) requestAnimationFrame(drawNext);
    };
    if (tells) drawNext();
    else video.onplay = drawNext;
  }

  connectedCallback() {
    // Properties that were set before the element was defined.
    for (const [name, value] of Object.entries(this))
      if (name in ClearcutVideo.prototype) {
        Reflect.deleteProperty(this, name);
        Reflect.set(this, name, value);
      }
    redraws.add(this.#draw);
    follow(
      this,
      (isNear) => {
        this.#isNear = isNear;
        this.#settle();
      },
      (isSeen) => {
        this.#isSeen = isSeen;
        this.#settle();
      },
    );
    this.#choose();
    this.#settle();
  }

  disconnectedCallback() {
    redraws.delete(this.#draw);
    unfollow(this);
    this.#isSeen = this.#isNear = false;
    this.#settle();
  }

  /** @param {string} name @param {string | null} _old @param {string | null} value */
  attributeChangedCallback(name, _old, value) {
    const { video } = this;
    if (name === "src") this.#choose();
    else if (name === "muted") video.muted = value !== null;
    else if (name === "loop" || name === "playsinline") video.toggleAttribute(name, value !== null);
    else if (name === "autoplay") this.#isWanted ||= this.#isAutomatic() && video.paused && !video.ended;
    else if (name === "preload") video.preload = this.#preload;
    else if (name === "controls") this.#control(value !== null);
    else if (name === "width" || name === "height") this.#fit();
    this.#settle();
  }

  /** Plays as soon as the element is on the screen. The promise is that of `<video>`: it waits until then. */
  play() {
    if (this.#error) return Promise.reject(new DOMException("No source can be played.", "NotSupportedError"));
    this.#isAsked = true;
    this.#choose();
    this.#isWanted = true;
    /** @type {Promise<void>} */
    const played = new Promise((resolve, reject) => this.#plays.push({ resolve, reject }));
    this.#settle();
    return played;
  }

  pause() {
    this.#isWanted = false;
    this.#refuse("AbortError", "play() was interrupted by pause().");
    this.#settle();
  }

  /** Starts anew from the first source, wherever the element is. */
  load() {
    this.#isAsked = true;
    this.#choose(true);
  }

  get error() {
    return this.#error;
  }

  get currentTime() {
    return this.#asleep?.currentTime ?? this.video.currentTime;
  }

  set currentTime(seconds) {
    if (this.#asleep) this.#asleep.currentTime = seconds;
    else this.video.currentTime = seconds;
  }

  get duration() {
    return /** @type {number} */ (this.#asleep?.duration ?? this.video.duration);
  }

  get readyState() {
    return /** @type {number} */ (this.#asleep?.readyState ?? this.video.readyState);
  }

  get ended() {
    return /** @type {boolean} */ (this.#asleep?.ended ?? this.video.ended);
  }

  get videoWidth() {
    return /** @type {number} */ (this.#asleep?.videoWidth ?? this.video.videoWidth);
  }

  /** Height of the visible frame: of one half where the file stacks two. */
  get videoHeight() {
    const { videoHeight } = this.video;
    return /** @type {number} */ (
      this.#asleep?.videoHeight ?? (this.kind === "stacked" ? videoHeight / 2 : videoHeight)
    );
  }

  /** A file that was asked for is fetched although `preload` is `none`. */
  get #preload() {
    const { preload } = /** @type {HTMLVideoElement} */ (/** @type {unknown} */ (this));
    return this.#isAsked && preload === "none" ? "auto" : preload;
  }

  #isAutomatic() {
    return this.hasAttribute("autoplay") && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** Brings what is loaded and played in line with what is wanted, and with where the element is. */
  #settle() {
    const { video } = this;
    const preload = this.#preload;
    const isAsked = this.#isAsked || preload === "auto";
    if (isAsked || this.#isNear) this.#showPoster();
    if (!this.#isOpen && this.#rest.length && (isAsked || (this.#isNear && (this.#isWanted || preload !== "none")))) {
      this.#isOpen = true;
      this.#next();
    } else if (this.#asleep) {
      if (!video.hasAttribute("src") && (this.#isNear || this.#plays.length)) this.#attach();
    } else if (video.hasAttribute("src")) {
      if (this.#isNear) this.#keep();
      if (!this.#isWanted || !this.#isSeen) video.pause();
      else
        video.play()?.then(
          () => {
            for (const { resolve } of this.#plays.splice(0)) resolve();
          },
          (error) => {
            if (error.name !== "NotAllowedError") return;
            this.#isWanted = false;
            this.#refuse(error.name, error.message);
          },
        );
    }
  }

  /** Takes the sources that are there now, unless they are the same as before. */
  #choose(isForced = false) {
    const sources = offered(this);
    const all = JSON.stringify(sources);
    if (!isForced && (all === this.#offered || !(this.isConnected || this.#isAsked))) return;
    const { video } = this;
    if (this.#offered !== "[]") {
      this.#isWanted = false;
      this.#refuse("AbortError", "play() was interrupted by a new load.");
    }
    this.#isWanted ||= this.#isAutomatic();
    this.#offered = all;
    this.#rest = sources;
    this.#isOpen = false;
    this.#error = this.#asleep = null;
    this.#hasBegun = false;
    this.#poster.hidden = true;
    this.#canvas.width = this.#canvas.height = 0;
    if (video.hasAttribute("src")) this.#detach();
    this.#settle();
  }

  /** Opens the next source that this browser shows with transparency. @returns {Promise<unknown>} */
  async #next() {
    const { video } = this;
    const rest = this.#rest;
    const source = rest.shift();
    if (!source) return this.#fail();
    const kind = kindOf(source);
    const shown = isShown(kind, video);
    // Without waiting if it can be: a browser lets sound start only right behind a click.
    const isRight = shown instanceof Promise ? await shown : shown;
    if (rest !== this.#rest) return;
    if (!isRight) return this.#next();
    const isStacked = kind === "stacked";
    this.kind = kind;
    this.#src = source.src;
    video.hidden = isStacked;
    this.#canvas.hidden = !isStacked;
    const crossOrigin = this.getAttribute("crossorigin") ?? (isStacked ? "anonymous" : null);
    if (video.crossOrigin !== crossOrigin) video.crossOrigin = crossOrigin;
    // They would show both halves.
    video.disablePictureInPicture = isStacked || this.hasAttribute("disablepictureinpicture");
    video.disableRemotePlayback = isStacked || this.hasAttribute("disableremoteplayback");
    copyTracks(this, video);
    this.#attach();
    this.#settle();
  }

  #attach() {
    const { video } = this;
    const { playbackRate } = video;
    video.preload = this.#preload;
    video.src = this.#src;
    video.playbackRate = playbackRate;
    this.#isReopened = this.#asleep !== null;
    this.#keep();
  }

  #detach() {
    const { video } = this;
    const { playbackRate } = video;
    loaded.delete(this);
    video.removeAttribute("src");
    video.load();
    if (this.#asleep) video.playbackRate = playbackRate;
  }

  /** Keeps the file, and lets those of others go that are far off the screen. */
  #keep() {
    loaded.delete(this);
    loaded.add(this);
    for (const other of loaded) {
      if (loaded.size <= MAX_LOADED) break;
      if (!other.#isNear && other.#preload !== "auto" && !other.#asleep && other.video.readyState > 0) other.#sleep();
    }
  }

  #sleep() {
    const { currentTime, duration, ended, readyState, videoWidth, videoHeight } = this;
    this.#asleep = { currentTime, duration, ended, readyState, videoWidth, videoHeight };
    this.#detach();
  }

  #fail() {
    const words = { code: { value: 4 }, message: { value: "No source can be played." } };
    this.#asleep = null;
    this.#isWanted = false;
    this.#error = this.video.error ?? Object.create(MediaError.prototype, words);
    this.#refuse("NotSupportedError", words.message.value);
    this.dispatchEvent(new Event("error"));
  }

  /** @param {string} name @param {string} message */
  #refuse(name, message) {
    for (const { reject } of this.#plays.splice(0)) reject(new DOMException(message, name));
  }

  /** Passes on an event of the `<video>`. @param {string} type */
  #tell(type) {
    const { video } = this;
    // A slow browser tells it after the end of the seek.
    const isKnown = type === "loadeddata" && this.#isReopened;
    if (isKnown) this.#isReopened = false;
    if (this.#asleep) {
      // Back to where it was; nobody needs to know.
      if (type === "loadedmetadata") video.currentTime = this.#asleep.currentTime;
      if (type !== "seeked" || video.seeking) return;
      this.#asleep = null;
      this.#draw();
      return this.#settle();
    }
    if (/^(loadeddata|seeked)$/.test(type)) this.#draw();
    if (/^(loadedmetadata|resize)$/.test(type)) this.#fit();
    if (/^(play|seeking)$/.test(type)) {
      this.#hasBegun = true;
      this.#showPoster();
    }
    // By itself at the end, or by somebody who has the <video>.
    if (type === "ended" || (type === "pause" && video.paused && this.#isSeen)) this.#isWanted = false;
    if (!isKnown) this.dispatchEvent(new Event(type));
  }

  #showPoster() {
    const src = this.getAttribute("poster") ?? "";
    this.#poster.hidden = !src || this.#hasBegun;
    if (!this.#poster.hidden && this.#poster.getAttribute("src") !== src) this.#poster.src = src;
  }

  /** @param {boolean} isOn */
  #control(isOn) {
    this.#controls ??= controlsOf(/** @type {any} */ (this), /** @type {ShadowRoot} */ (this.shadowRoot));
    if (isOn) this.shadowRoot?.append(this.#controls);
    else this.#controls.remove();
    this.#internals.role = isOn ? "group" : null;
  }

  #fit() {
    const { naturalWidth, naturalHeight } = this.#poster;
    const frame = this.videoWidth ? [this.videoWidth, this.videoHeight] : [naturalWidth, naturalHeight];
    this.#size.replaceSync(sizeOf(this, frame[0], frame[1]));
  }

  #draw = () => {
    if (this.kind === "stacked" && !this.#asleep) composite(this.video, this.#canvas);
  };
}

if (globalThis.customElements && !customElements.get("clearcut-video")) {
  mirrorVideo(ClearcutVideo.prototype);
  customElements.define("clearcut-video", ClearcutVideo);
}
