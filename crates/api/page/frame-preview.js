// The first frame as it is, as it would be cut, and as a matte, while the options change.
import { Client, Problem } from "./client.js";
import { Clip } from "./clip.js";
import { ownAddress } from "./cut-stage.js";
import { FirstFrame } from "./first-frame.js";
import { h, uniqueId } from "./html.js";
import { stillClip } from "./still-clip.js";
import { explain } from "./words.js";

/** A slider that moves asks once it rests. */
const REST_MS = 300;

/** `<frame-preview>`: fires `pick` with a colour as detail, as its `<first-frame>` does. */
export class FramePreview extends HTMLElement {
  clip = new Clip();
  /** @type {Client | null} */
  client = null;
  /** The fields of a cut of one frame. */
  form = () => new FormData();
  #frame = new FirstFrame();
  #cut = h("img", { class: "preview checker", alt: "The first frame, cut", hidden: true });
  #said = h("p", { class: "hint", role: "status" });
  #mode = "clip";
  #asked = 0;
  #timer = 0;

  connectedCallback() {
    this.#frame.clip = this.clip;
    this.#frame.addEventListener("pick", (event) => {
      this.dispatchEvent(new CustomEvent("pick", { detail: /** @type {CustomEvent} */ (event).detail }));
    });
    const modes = this.#modes();
    modes.hidden = true;
    this.#frame.addEventListener("ready", () => {
      modes.hidden = false;
    });
    this.replaceChildren(h("div", { class: "frame-box" }, this.#frame, this.#cut), modes, this.#said);
  }

  disconnectedCallback() {
    this.#asked += 1;
    clearTimeout(this.#timer);
    URL.revokeObjectURL(this.#cut.src);
  }

  #modes() {
    const name = uniqueId();
    const modes = [
      ["clip", "Clip"],
      ["cut", "Cut"],
      ["matte", "Matte"],
    ].map(([mode, words]) => {
      const box = h("input", { type: "radio", name, value: mode, checked: mode === "clip" });
      box.onchange = () => this.#show(mode);
      return h("label", { class: "pill" }, box, words);
    });
    return h("fieldset", { class: "tool" }, h("legend", {}, "First frame"), ...modes);
  }

  /** @param {string} mode */
  #show(mode) {
    const isFirst = this.#mode === "clip";
    this.#mode = mode;
    this.#cut.classList.toggle("is-matte", mode === "matte");
    if (mode === "clip") {
      this.#asked += 1;
      this.#cut.hidden = true;
      this.#said.textContent = "";
    } else if (isFirst) this.refresh();
  }

  /** The options have changed. */
  refresh() {
    if (this.#mode === "clip") return;
    clearTimeout(this.#timer);
    this.#asked += 1;
    const asked = this.#asked;
    this.#said.textContent = "Cutting this frame";
    this.#timer = setTimeout(() => this.#ask(asked), REST_MS);
  }

  /** Shows the frame's cut, unless another was asked for meanwhile. @param {number} asked */
  async #ask(asked) {
    const isNewest = () => asked === this.#asked;
    try {
      const picture = await this.#frame.picture();
      if (!picture || !this.client) return;
      const form = this.form();
      form.append("file", await stillClip(picture), "frame");
      const cut = await this.client.cutFrame(form, isNewest, ownAddress);
      if (!cut || !isNewest()) return;
      URL.revokeObjectURL(this.#cut.src);
      this.#cut.src = URL.createObjectURL(cut);
      this.#cut.hidden = false;
      this.#said.textContent =
        "A quick look, at this frame alone. The cut knows the whole clip: its background is surer, its edges finer.";
    } catch (problem) {
      if (isNewest()) this.#said.textContent = problem instanceof Problem ? explain(problem) : String(problem);
    }
  }
}

customElements.define("frame-preview", FramePreview);
