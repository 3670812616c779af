// Shows the cut of a clip, what was cut and other attempts at it, frame by frame.
import { Client, ownAddress, Problem } from "./client.js";
import { Clip } from "./clip.js";
import { rectOf, timesOf } from "./clip-part.js";
import { CutStage } from "./cut-stage.js";
import { button, h, icon } from "./html.js";
import { explain, FORMATS, formatTime } from "./texts.js";
import "./clearcut-video.js";

/** @typedef {import("./clearcut-video.js").ClearcutVideo} ClearcutVideo */
/** @typedef {{ name: string, clip: Clip }} Attempt */

/** A cut may be a frame or two longer or shorter than its clip. */
const MAX_DIFFERENCE_SECS = 0.5;

/** `<cut-viewer>` shows the outputs of a clip that is done; fires `stale` when a link has failed. */
export class CutViewer extends HTMLElement {
  clip = new Clip();
  client = new Client("");
  /** Other attempts at the clip that are done. @type {Attempt[]} */
  attempts = [];
  /** @type {ClearcutVideo | null} */
  #after = null;
  /** The clip, or another cut of it. @type {HTMLVideoElement | ClearcutVideo | null} */
  #before = null;
  /** When the cut begins in what lies beside it, in seconds. */
  #start = 0;
  /** Makes what lies beside the cut, by its name. @type {Map<string, () => void>} */
  #others = new Map();
  #stage = new CutStage();
  #time = h("output", { class: "time" });
  #scrub = h("input", { type: "range", min: "0", step: "1", "aria-label": "Frame" });
  #compare = h("div", { class: "row compare" });
  #play = button("Play", () => this.#toggle(), { icon: "play", isBare: true });
  /** Shows the frame with a number. @type {(frame: number) => void} */
  #seek = () => {};

  connectedCallback() {
    const { result } = this.clip.job ?? {};
    if (!result) return;
    const shown = this.#cutOf(this.clip);
    if (!shown) {
      const why = "Browsers can't show these formats. Download the files, or add WebM to see the cut here.";
      return this.replaceChildren(h("p", { class: "panel hint" }, why));
    }
    const stage = this.#stage;
    if (shown.localName === "clearcut-video") this.#after = /** @type {ClearcutVideo} */ (shown);
    stage.show(shown, result);
    stage.onshow = () => {
      // Two players are never at the same frame while they play.
      if (stage.isExact) this.#after?.pause();
      this.#follow();
    };
    stage.onother = (value) => this.#others.get(value)?.();
    for (const { name, clip } of this.attempts) this.#others.set(name, () => this.#showAttempt(clip));
    this.#offer();
    this.#findOriginal();
    const transport = this.#after ? this.#transport(this.#after, result) : [];
    this.replaceChildren(
      stage.shows,
      stage.view,
      ...(transport.length ? [h("div", { class: "transport" }, ...transport)] : []),
      this.#compare,
      stage.tools,
    );
    stage.view.addEventListener("keydown", this.#key);
  }

  disconnectedCallback() {
    this.#stage.close();
    this.#before?.pause();
  }

  /** Shows the place of a warning. @param {import("./client.js").Warning} warning */
  lookAt({ from, to, box }) {
    const { fps } = this.clip.job?.result ?? { fps: 0 };
    this.#seek(Math.floor(((from + to) / 2) * fps));
    this.#stage.choose("cut");
    this.#stage.mark(box.width < 1 || box.height < 1 ? box : null);
    this.#stage.view.scrollIntoView({ block: "nearest" });
    this.#stage.view.focus({ preventScroll: true });
  }

  /** Compares with another attempt. @param {string} name */
  compareWith(name) {
    this.#stage.chooseOther(name);
  }

  /** What shows the cut of a clip; null if browsers show none of its outputs. @param {Clip} clip */
  #cutOf(clip) {
    const outputs = clip.job?.result?.outputs ?? [];
    const own = (/** @type {string} */ format) => outputs.find((output) => output.format === format);
    const [webm, stacked] = [own("webm"), own("stacked-alpha")];
    const still = outputs.find(
      ({ format }) => FORMATS[/** @type {import("./texts.js").Format} */ (format)].shows === "image",
    );
    const label = `The cut of ${clip.name}`;
    if (webm || stacked) {
      const player = document.createElement("clearcut-video");
      for (const name of ["autoplay", "loop", "muted", "playsinline"]) player.setAttribute(name, "");
      player.setAttribute("role", "img");
      player.setAttribute("aria-label", label);
      if (webm) player.append(h("source", { src: ownAddress(webm.url), type: "video/webm" }));
      if (stacked) player.append(h("source", { src: ownAddress(stacked.url), type: "video/mp4" }));
      return player;
    }
    const opaque = own("mp4");
    if (opaque) {
      const src = ownAddress(opaque.url);
      const video = h("video", { muted: true, playsInline: true, loop: true, autoplay: true, src });
      video.setAttribute("aria-label", label);
      return video;
    }
    return still ? h("img", { src: ownAddress(still.url), alt: label }) : null;
  }

  /** Offers what the cut can be compared with. */
  #offer() {
    const labels = { original: "the original" };
    const others = [...this.#others.keys()].map((value) => ({
      value,
      label: labels[/** @type {"original"} */ (value)] ?? value,
    }));
    this.#stage.offer(others);
  }

  /** Finds the clip: in the page, or on the server, which keeps it as long as the files. */
  async #findOriginal() {
    const { file, part, job } = this.clip;
    if (!this.#after) return;
    if (!part) return this.#say("The original can't be compared: this clip was cut from another browser or program.");
    if (part.isRetimed)
      return this.#say("The cut plays in another tempo than the clip, or as a loop of it, so it can't be compared.");
    if (file) return this.#offerOriginal(this.#stage.addressOf(file));
    try {
      const { url } = await this.client.input(job?.jobId ?? "");
      if (this.isConnected) this.#offerOriginal(ownAddress(url));
    } catch (problem) {
      if (!this.isConnected) return;
      const isGone = problem instanceof Problem && problem.code === "INPUT_GONE";
      const why = isGone ? "The server no longer has the clip." : explain(/** @type {Problem} */ (problem));
      this.#askForClip(why);
    }
  }

  /** @param {string} src */
  #offerOriginal(src) {
    const { part } = this.clip;
    if (!part) return;
    const before = h("video", { muted: true, playsInline: true, preload: "auto", loop: true, src });
    before.onerror = () => this.#askForClip("Your browser can't play the original.");
    before.onloadeddata = () => {
      before.onloadeddata = null;
      this.#compare.replaceChildren();
      const { duration = 0, crop = null } = this.clip.job?.result ?? {};
      // What the job has taken says more than what was asked for, which may be `auto`.
      const taken = crop ? { ...part, crop, cover: "" } : part;
      const { start, end } = timesOf(part.trim, before.duration);
      if (Math.abs(Math.min(end, before.duration) - start - duration) > MAX_DIFFERENCE_SECS)
        this.#askForClip("This clip is not as long as the cut. Is it the right one?");
      const frame = { width: before.videoWidth, height: before.videoHeight };
      const isPart = taken.crop || taken.cover || taken.pad;
      const shown = isPart ? cropped(before, rectOf(taken, frame), frame) : before;
      const show = () => {
        this.#lay(before, start);
        this.#stage.compareWith(shown);
        this.#follow();
      };
      this.#others = new Map([["original", show], ...[...this.#others].filter(([name]) => name !== "original")]);
      this.#offer();
      if (!this.#before) show();
    };
  }

  /** @param {Clip} clip */
  async #showAttempt(clip) {
    await clip.refresh(this.client);
    const other = this.isConnected && this.#cutOf(clip);
    if (!other) return;
    other.removeAttribute("aria-label");
    const startOf = (/** @type {Clip} */ { part }) => timesOf(part?.trim ?? "", Number.POSITIVE_INFINITY).start;
    const isMoving = other.localName === "clearcut-video";
    this.#lay(isMoving ? /** @type {ClearcutVideo} */ (other) : null, startOf(this.clip) - startOf(clip));
    for (const type of ["loadeddata", "seeked"]) other.addEventListener(type, this.#follow);
    this.#stage.compareWith(h("div", {}, other), true);
  }

  /** @param {HTMLVideoElement | ClearcutVideo | null} before @param {number} start */
  #lay(before, start) {
    if (this.#before !== before) this.#before?.pause();
    this.#before = before;
    this.#start = start;
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
      this.#lay(null, 0);
      this.#others.delete("original");
      this.clip.file = file;
      this.#findOriginal();
    };
    const choose = button("Choose the original", () => picker.click(), {});
    this.#compare.replaceChildren(h("p", { class: "hint" }, why), choose, picker);
  }

  /** Keeps what lies beside the cut at its time. */
  #follow = () => {
    const [after, before] = [this.#after, this.#before];
    if (!after || !before) return;
    // What is not seen is not played.
    if (after.paused || !this.#stage.showsBoth) before.pause();
    else if (before.paused) before.play().catch(() => {});
    if (!this.#stage.showsBoth) return;
    const time = this.#start + after.currentTime;
    const apart = Math.abs(before.currentTime - time);
    if (apart > (after.paused ? 0.001 : 0.08)) before.currentTime = time;
  };

  /** @param {ClearcutVideo} after @param {import("./client.js").Result} result */
  #transport(after, { frameCount, fps }) {
    this.#scrub.max = String(Math.max(0, frameCount - 1));
    this.#seek = (frame) => {
      after.pause();
      this.#stage.mark(null);
      const wanted = Math.min(frameCount - 1, Math.max(0, frame));
      // The next step starts here, also if the frame is not shown by then.
      this.#scrub.value = String(wanted);
      // The middle of the frame: its start may be rounded to the frame before.
      after.currentTime = (wanted + 0.5) / fps;
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
    this.#scrub.oninput = () => this.#seek(this.#scrub.valueAsNumber);
    update();
    return [
      this.#play,
      button("One frame back", () => this.#step(-1), { icon: "back", isBare: true }),
      this.#scrub,
      button("One frame forward", () => this.#step(1), { icon: "forward", isBare: true }),
      this.#time,
    ];
  }

  /** @param {number} frames */
  #step(frames) {
    if (this.#after) this.#seek(this.#scrub.valueAsNumber + frames);
  }

  #toggle() {
    this.#stage.mark(null);
    if (this.#after?.paused) this.#after.play().catch(() => {});
    else this.#after?.pause();
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== this.#stage.view || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 10 : 1;
    // Magnified, the arrows move the picture.
    if (event.key.startsWith("Arrow") && this.#stage.view.dataset.zoom !== "fit") return;
    /** @type {Record<string, () => void>} */
    const acts = {
      " ": () => this.#toggle(),
      ArrowLeft: () => this.#step(-far),
      ArrowRight: () => this.#step(far),
      ",": () => this.#step(-1),
      ".": () => this.#step(1),
      Home: () => this.#seek(0),
      End: () => this.#seek(Number.MAX_SAFE_INTEGER),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
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
