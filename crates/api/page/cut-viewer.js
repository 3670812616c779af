// Shows the cut of a clip beside the clip, frame by frame.
import { ownAddress } from "./client.js";
import { Clip } from "./clip.js";
import { rectOf, timesOf } from "./clip-part.js";
import { CutStage } from "./cut-stage.js";
import { button, h, icon } from "./html.js";
import { FORMATS, formatTime } from "./texts.js";
import "./clearcut-video.js";

/** @typedef {import("./clearcut-video.js").ClearcutVideo} ClearcutVideo */

/** A cut may be a frame or two longer or shorter than its clip. */
const MAX_DIFFERENCE_SECS = 0.5;

/** `<cut-viewer>` shows the outputs of a clip that is done. */
export class CutViewer extends HTMLElement {
  clip = new Clip();
  /** @type {ClearcutVideo | null} */
  #after = null;
  /** @type {HTMLVideoElement | null} */
  #before = null;
  /** When the cut begins in the clip, in seconds. */
  #start = 0;
  #stage = new CutStage();
  #time = h("output", { class: "time" });
  #scrub = h("input", { type: "range", min: "0", step: "1", "aria-label": "Frame" });
  #compare = h("div", { class: "row compare" });
  #play = button("Play", () => this.#toggle(), { icon: "play", isBare: true });

  connectedCallback() {
    const { result } = this.clip.job ?? {};
    if (!result) return;
    const shown = this.#cutOf(result);
    if (!shown) {
      const why = "Browsers show none of these files. Download them, or make WebM too to see the cut here.";
      return this.replaceChildren(h("p", { class: "panel hint" }, why));
    }
    this.#stage.show(shown, result);
    this.#showBefore();
    const isMoving = this.#after !== null;
    this.replaceChildren(
      this.#stage.view,
      ...(isMoving ? [h("div", { class: "transport" }, ...this.#transport(result))] : []),
      this.#compare,
      this.#stage.tools,
    );
  }

  disconnectedCallback() {
    this.#stage.close();
    this.#before?.pause();
  }

  /** What shows the cut; null if browsers show none of its outputs. @param {import("./client.js").Result} result */
  #cutOf(result) {
    const own = (/** @type {string} */ format) => result.outputs.find((output) => output.format === format);
    const [webm, stacked] = [own("webm"), own("stacked-alpha")];
    const still = result.outputs.find(
      ({ format }) => FORMATS[/** @type {import("./texts.js").Format} */ (format)].shows === "image",
    );
    const label = `The cut of ${this.clip.name}`;
    if (webm || stacked) {
      const player = document.createElement("clearcut-video");
      for (const name of ["autoplay", "loop", "muted", "playsinline"]) player.setAttribute(name, "");
      player.setAttribute("role", "img");
      player.setAttribute("aria-label", label);
      if (webm) player.append(h("source", { src: ownAddress(webm.url), type: "video/webm" }));
      if (stacked) player.append(h("source", { src: ownAddress(stacked.url), type: "video/mp4" }));
      this.#after = player;
      return player;
    }
    const opaque = own("mp4");
    if (opaque) {
      const video = h("video", {
        muted: true,
        playsInline: true,
        loop: true,
        autoplay: true,
        src: ownAddress(opaque.url),
      });
      video.setAttribute("aria-label", label);
      return video;
    }
    return still ? h("img", { src: ownAddress(still.url), alt: label }) : null;
  }

  /** Shows the clip beside the cut, with a slider between, if the page has it and the browser plays it. */
  #showBefore() {
    const { file, part } = this.clip;
    if (!this.#after) return;
    if (!part) return this.#say("This page does not know which part of which clip was cut, so it compares nothing.");
    if (part.isRetimed) return this.#say("The cut plays in another tempo than the clip, or as a loop of it, so it is not compared.");
    if (!file) return this.#askForClip("The clip is not in this browser any more, and the server sends none back.");
    const src = this.#stage.addressOf(file);
    const before = h("video", { muted: true, playsInline: true, preload: "auto", loop: true, src });
    before.onerror = () => this.#askForClip("Your browser does not play the clip, so there is no before to show.");
    before.onloadeddata = () => {
      this.#compare.replaceChildren();
      const { duration = 0, crop = null } = this.clip.job?.result ?? {};
      // What the job has taken says more than what was asked for, which may be `auto`.
      const taken = crop ? { ...part, crop, cover: "" } : part;
      const { start, end } = timesOf(part.trim, before.duration);
      if (Math.abs(Math.min(end, before.duration) - start - duration) > MAX_DIFFERENCE_SECS)
        this.#askForClip("This clip is not as long as the cut. Is it the one that was cut?");
      this.#before = before;
      this.#start = start;
      const frame = { width: before.videoWidth, height: before.videoHeight };
      this.#stage.compareWith(taken.crop || taken.cover ? cropped(before, rectOf(taken, frame), frame) : before);
      this.#follow();
    };
  }

  /** Says why there is nothing to compare. @param {string} why */
  #say(why) {
    this.#compare.replaceChildren(h("p", { class: "hint" }, why));
  }

  /** Says why there is no clip to compare with, and asks for one. @param {string} why */
  #askForClip(why) {
    const picker = h("input", { type: "file", accept: "video/*", hidden: true });
    picker.onchange = () => {
      const file = picker.files?.[0];
      if (!file) return;
      this.#stage.compareWith(null);
      this.#before?.pause();
      this.#before = null;
      this.clip.file = file;
      this.#showBefore();
    };
    const choose = button("Choose the clip to compare", () => picker.click(), {});
    this.#compare.replaceChildren(h("p", { class: "hint" }, why), choose, picker);
  }

  /** Keeps the clip at the time of the cut. */
  #follow = () => {
    const [after, before] = [this.#after, this.#before];
    if (!after || !before) return;
    if (after.paused) before.pause();
    else if (before.paused) before.play().catch(() => {});
    const time = this.#start + after.currentTime;
    const apart = Math.abs(before.currentTime - time);
    if (apart > (after.paused ? 0.001 : 0.08)) before.currentTime = time;
  };

  /** @param {import("./client.js").Result} result */
  #transport({ frameCount, fps }) {
    const after = /** @type {ClearcutVideo} */ (this.#after);
    this.#scrub.max = String(Math.max(0, frameCount - 1));
    const seek = (/** @type {number} */ frame) => {
      after.pause();
      // The middle of the frame: its start may be rounded to the frame before.
      after.currentTime = (Math.min(frameCount - 1, Math.max(0, frame)) + 0.5) / fps;
    };
    const frame = () => Math.min(frameCount - 1, Math.floor(after.currentTime * fps + 1e-3));
    const update = () => {
      this.#scrub.value = String(frame());
      this.#time.textContent = `${formatTime(after.currentTime)} · frame ${frame() + 1} of ${frameCount}`;
      const label = after.paused ? "Play" : "Pause";
      this.#play.setAttribute("aria-label", label);
      this.#play.title = label;
      this.#play.replaceChildren(icon(after.paused ? "play" : "pause"));
      this.#follow();
    };
    for (const type of ["loadeddata", "timeupdate", "seeked", "play", "pause"]) after.addEventListener(type, update);
    after.addEventListener("error", () => this.dispatchEvent(new Event("stale")));
    this.#scrub.oninput = () => seek(this.#scrub.valueAsNumber);
    update();
    return [
      this.#play,
      button("One frame back", () => seek(frame() - 1), { icon: "back", isBare: true }),
      this.#scrub,
      button("One frame forward", () => seek(frame() + 1), { icon: "forward", isBare: true }),
      this.#time,
    ];
  }

  #toggle() {
    if (this.#after?.paused) this.#after.play().catch(() => {});
    else this.#after?.pause();
  }
}

/**
 * A window on a rectangle of a video.
 * @param {HTMLVideoElement} video @param {import("./clip-part.js").Rect} rect @param {{ width: number, height: number }} frame in pixels
 */
function cropped(video, { x, y, width, height }, frame) {
  const share = (/** @type {number} */ part, /** @type {number} */ whole) => `${(part / whole) * 100}%`;
  video.style.width = share(frame.width, width);
  video.style.height = share(frame.height, height);
  video.style.left = share(-x, width);
  video.style.top = share(-y, height);
  return h("div", {}, video);
}

customElements.define("cut-viewer", CutViewer);
