// Shows the cut: over any backdrop, beside its clip, frame by frame, magnified.
import { ownAddress } from "./client.js";
import { Clip } from "./clip.js";
import { button, h, icon, uniqueId } from "./html.js";
import { formatTime } from "./texts.js";
import "./clearcut-video.js";

/** @typedef {import("./clearcut-video.js").ClearcutVideo} ClearcutVideo */

const ZOOMS = [
  ["fit", "Fit"],
  ["1", "100 %"],
  ["4", "400 %"],
  ["8", "800 %"],
];
/** A cut may be a frame or two longer or shorter than its clip. */
const MAX_DIFFERENCE_SECS = 0.5;
const STILL = new Set(["webp", "apng"]);

/** `<cut-viewer>` shows the outputs of a clip that is done. */
export class CutViewer extends HTMLElement {
  clip = new Clip();
  /** @type {ClearcutVideo | null} */
  #after = null;
  /** @type {HTMLVideoElement | null} */
  #before = null;
  #addresses = /** @type {string[]} */ ([]);
  #view = h("div", { class: "view", tabIndex: 0, role: "group", "aria-label": "The cut, zoomable" });
  #sheet = h("div", { class: "sheet" });
  #cut = h("div", { class: "cut checker" });
  #time = h("output", { class: "time" });
  #scrub = h("input", { type: "range", min: "0", step: "1", "aria-label": "Frame" });
  #compare = h("div", { class: "row compare" });
  #play = button("Play", () => this.#toggle(), { icon: "play", isBare: true });

  connectedCallback() {
    const { result } = this.clip.job ?? {};
    if (!result) return;
    this.#sheet.style.setProperty("--ratio", `${result.width} / ${result.height}`);
    this.#sheet.style.setProperty("--width", `${result.width}px`);
    this.#sheet.style.setProperty("--aspect", String(result.width / result.height));
    const shown = this.#showCut(result);
    if (!shown) {
      const why = "Browsers do not play ProRes. Download the file, or make WebM too to see the cut here.";
      return this.replaceChildren(h("p", { class: "panel hint" }, why));
    }
    this.#sheet.replaceChildren(this.#cut);
    this.#view.replaceChildren(this.#sheet);
    this.#showBefore();
    const isMoving = this.#after !== null;
    this.replaceChildren(
      this.#view,
      ...(isMoving ? [h("div", { class: "transport" }, ...this.#transport(result))] : []),
      this.#compare,
      h("div", { class: "tools" }, this.#backdrops(), this.#matte(), this.#zoom()),
    );
  }

  disconnectedCallback() {
    for (const address of this.#addresses) URL.revokeObjectURL(address);
    this.#before?.pause();
  }

  /** @param {Blob} blob */
  #address(blob) {
    const address = URL.createObjectURL(blob);
    this.#addresses.push(address);
    return address;
  }

  /** @param {import("./client.js").Result} result */
  #showCut(result) {
    const own = (/** @type {string} */ format) => result.outputs.find((output) => output.format === format);
    const [webm, stacked] = [own("webm"), own("stacked-alpha")];
    const still = result.outputs.find((output) => STILL.has(output.format));
    const label = `The cut of ${this.clip.name}`;
    if (webm || stacked) {
      const player = document.createElement("clearcut-video");
      for (const name of ["autoplay", "loop", "muted", "playsinline"]) player.setAttribute(name, "");
      player.setAttribute("role", "img");
      player.setAttribute("aria-label", label);
      if (webm) player.append(h("source", { src: ownAddress(webm.url), type: "video/webm" }));
      if (stacked) player.append(h("source", { src: ownAddress(stacked.url), type: "video/mp4" }));
      this.#after = player;
      this.#cut.replaceChildren(player);
    } else if (still) this.#cut.replaceChildren(h("img", { src: ownAddress(still.url), alt: label }));
    return Boolean(webm || stacked || still);
  }

  /** Shows the clip beside the cut, with a slider between, if the page has it and the browser plays it. */
  #showBefore() {
    const { file } = this.clip;
    if (!this.#after) return;
    if (!file) return this.#askForClip("The clip is not in this browser any more, and the server sends none back.");
    const before = h("video", {
      class: "before",
      muted: true,
      playsInline: true,
      preload: "auto",
      loop: true,
      src: this.#address(file),
      "aria-hidden": "true",
    });
    const split = h("input", {
      type: "range",
      class: "split",
      min: "0",
      max: "100",
      step: "0.5",
      value: "50",
      "aria-label": "Before and after",
    });
    const place = () => this.#sheet.style.setProperty("--split", `${split.value}%`);
    split.oninput = place;
    before.onerror = () => this.#askForClip("Your browser does not play the clip, so there is no before to show.");
    before.onloadeddata = () => {
      this.#compare.replaceChildren();
      const { duration = 0 } = this.clip.job?.result ?? {};
      if (Math.abs(before.duration - duration) > MAX_DIFFERENCE_SECS)
        this.#askForClip("This clip is not as long as the cut. Is it the one that was cut?");
      this.#before = before;
      this.#sheet.classList.add("has-before");
      this.#sheet.append(before, h("span", { class: "split-line" }, icon("split")), split);
      place();
      this.#follow();
    };
  }

  /** Says why there is no clip to compare with, and asks for one. @param {string} why */
  #askForClip(why) {
    const picker = h("input", { type: "file", accept: "video/*", hidden: true });
    picker.onchange = () => {
      const file = picker.files?.[0];
      if (!file) return;
      for (const old of this.#sheet.querySelectorAll(".before, .split, .split-line")) old.remove();
      this.#sheet.classList.remove("has-before");
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
    const apart = Math.abs(before.currentTime - after.currentTime);
    if (apart > (after.paused ? 0.001 : 0.08)) before.currentTime = after.currentTime;
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

  #backdrops() {
    const set = (/** @type {string} */ kind, /** @type {string} */ value = "") => {
      this.#cut.className = `cut ${kind}`;
      this.#cut.style.background = value;
    };
    const color = h("input", { type: "color", value: "#6d5dfc", "aria-label": "Backdrop color" });
    color.oninput = () => {
      choose("color");
      set("", color.value);
    };
    const picker = h("input", { type: "file", accept: "image/*", hidden: true });
    picker.onchange = () => {
      const file = picker.files?.[0];
      if (file) set("", `center / cover no-repeat url("${this.#address(file)}")`);
    };
    const name = uniqueId();
    const radio = (/** @type {string} */ value, /** @type {string} */ label, /** @type {() => void} */ act) => {
      const box = h("input", { type: "radio", name, value, checked: value === "checker" });
      box.onchange = act;
      return h("label", { class: "pill" }, box, h("span", { class: `chip ${value}` }), label);
    };
    const group = h(
      "fieldset",
      { class: "tool" },
      h("legend", {}, "Backdrop"),
      radio("checker", "Checkerboard", () => set("checker")),
      radio("black", "Black", () => set("black")),
      radio("white", "White", () => set("white")),
      radio("color", "Color", () => set("", color.value)),
      color,
      radio("image", "Image", () => picker.click()),
      picker,
    );
    const choose = (/** @type {string} */ value) => {
      for (const box of group.querySelectorAll("input")) if (box.type === "radio") box.checked = box.value === value;
    };
    return group;
  }

  #matte() {
    const box = h("input", { type: "checkbox" });
    box.onchange = () => this.#sheet.classList.toggle("is-matte", box.checked);
    return h("fieldset", { class: "tool" }, h("legend", {}, "Show"), h("label", { class: "pill" }, box, "Matte only"));
  }

  #zoom() {
    const name = uniqueId();
    const choices = ZOOMS.map(([value, label]) => {
      const box = h("input", { type: "radio", name, value, checked: value === "fit" });
      box.onchange = () => {
        this.#view.dataset.zoom = value;
        this.#sheet.style.setProperty("--zoom", value === "fit" ? "1" : value);
        if (value !== "fit") this.#view.scrollTo(this.#view.scrollWidth / 4, this.#view.scrollHeight / 4);
      };
      return h("label", { class: "pill" }, box, label);
    });
    this.#view.dataset.zoom = "fit";
    return h("fieldset", { class: "tool" }, h("legend", {}, "Zoom"), ...choices);
  }
}

customElements.define("cut-viewer", CutViewer);
