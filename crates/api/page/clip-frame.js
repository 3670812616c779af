// A frame of a clip, or an image, as the browser decodes it, with an eyedropper for the background color.
import { h } from "./html.js";
import { pointOf, put, steered } from "./pointing.js";

/** The eyedropper takes the mean of a square of so many pixels, since a backdrop has noise. */
const SAMPLE_PX = 5;

/** `<clip-frame>`: fires `pick` with the color (`#rrggbb`) as detail, and `ready` when it shows a frame or says why it cannot. */
export class ClipFrame extends HTMLElement {
  /** @type {File | null} */
  file = null;
  /** Whether the file is an image, even if its type does not say so. */
  isImage = false;
  #canvas = h("canvas", { tabIndex: 0, role: "application", "aria-label": HOW });
  #cross = h("span", { class: "cross", hidden: true });
  #at = { x: 0.05, y: 0.05 };
  #address = "";
  /** @type {HTMLVideoElement | null} */
  #video = null;
  #wanted = 0;
  /** Of the frame, in pixels; zeros before there is one. */
  size = { width: 0, height: 0 };

  connectedCallback() {
    this.#canvas.hidden = true;
    this.replaceChildren(this.#canvas, this.#cross);
    this.#canvas.onpointermove = (event) => this.#point(event);
    this.#canvas.onpointerleave = () => {
      this.#cross.hidden = document.activeElement !== this.#canvas;
    };
    this.#canvas.onclick = (event) => {
      this.#point(event);
      this.#pick();
    };
    this.#canvas.onkeydown = (event) => this.#steer(event);
    this.#canvas.onfocus = () => this.#mark();
    this.#canvas.onblur = () => {
      this.#cross.hidden = true;
    };
    this.#load();
  }

  disconnectedCallback() {
    URL.revokeObjectURL(this.#address);
  }

  /** Length of the clip in seconds; 0 where the browser does not know it. */
  get duration() {
    const { duration = 0 } = this.#video ?? {};
    return Number.isFinite(duration) ? duration : 0;
  }

  /** The picture itself. */
  get picture() {
    return this.#canvas;
  }

  async #load() {
    const { file } = this;
    if (!file) this.#say("No preview: the server fetches this clip from its URL.");
    else {
      this.#address = URL.createObjectURL(file);
      const source =
        this.isImage || /^image\//.test(file.type) ? await loadImage(this.#address) : await loadVideo(this.#address);
      if (source instanceof HTMLVideoElement) this.#video = source;
      if (source) this.#draw(source);
      else this.#say("Your browser can't show this file. The server may still be able to cut it.");
    }
    this.dispatchEvent(new Event("ready"));
  }

  /** Shows the frame at `secs`. @param {number} secs */
  seek(secs) {
    const video = this.#video;
    if (!video) return;
    this.#wanted = secs;
    video.onseeked = () => {
      this.#draw(video);
      // A slider is faster than a decoder: only the last time counts.
      if (video.currentTime !== this.#wanted && Math.abs(video.currentTime - this.#wanted) > 0.001)
        this.seek(this.#wanted);
    };
    if (!video.seeking) video.currentTime = secs;
  }

  /** @param {HTMLVideoElement | HTMLImageElement} source */
  #draw(source) {
    const [width, height] =
      source instanceof HTMLVideoElement
        ? [source.videoWidth, source.videoHeight]
        : [source.naturalWidth, source.naturalHeight];
    this.size = { width, height };
    const scale = Math.min(1, 1280 / Math.max(width, height));
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas
      .getContext("2d", { alpha: false, willReadFrequently: true })
      ?.drawImage(source, 0, 0, this.#canvas.width, this.#canvas.height);
    this.#canvas.hidden = false;
  }

  /** @param {string} sentence */
  #say(sentence) {
    this.replaceChildren(h("p", { class: "hint" }, sentence));
  }

  /** @param {PointerEvent | MouseEvent} event */
  #point(event) {
    this.#at = pointOf(event, this.#canvas);
    this.#mark();
  }

  /** @param {KeyboardEvent} event */
  #steer(event) {
    const point = steered(event, this.#at);
    if (event.key === "Enter" || event.key === " ") this.#pick();
    else if (!point) return;
    event.preventDefault();
    this.#at = point ?? this.#at;
    this.#mark();
  }

  #mark() {
    this.#cross.hidden = false;
    put(this.#cross, this.#at);
    this.#cross.style.background = this.#color();
  }

  #pick() {
    this.dispatchEvent(new CustomEvent("pick", { detail: this.#color() }));
  }

  /** The mean color under the cross. */
  #color() {
    const { width, height } = this.#canvas;
    const near = (/** @type {number} */ share, /** @type {number} */ size) =>
      Math.max(0, Math.min(size - SAMPLE_PX, Math.floor(share * size) - (SAMPLE_PX >> 1)));
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    const pixels = context?.getImageData(near(this.#at.x, width), near(this.#at.y, height), SAMPLE_PX, SAMPLE_PX).data;
    if (!pixels) return "#000000";
    const mean = [0, 1, 2].map((channel) => {
      let sum = 0;
      for (let at = channel; at < pixels.length; at += 4) sum += pixels[at];
      return Math.round(sum / (SAMPLE_PX * SAMPLE_PX));
    });
    return `#${mean.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  }
}

const HOW =
  "The picture. Click the background to take its color as the key, or move with the arrow keys and press Enter.";

/** @param {string} address @returns {Promise<HTMLImageElement | null>} */
async function loadImage(address) {
  const image = h("img", { src: address });
  return image.decode().then(
    () => image,
    () => null,
  );
}

/** @param {string} address @returns {Promise<HTMLVideoElement | null>} */
function loadVideo(address) {
  const video = h("video", { muted: true, playsInline: true, preload: "auto", src: address });
  return new Promise((done) => {
    video.onloadeddata = () => done(video.videoWidth ? video : null);
    video.onerror = () => done(null);
  });
}

customElements.define("clip-frame", ClipFrame);
