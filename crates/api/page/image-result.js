// Images that are cut: the viewer of one, all of them as small pictures, the files and the code.
import { Client, ownAddress, Problem } from "./client.js";
import { CodeTabs } from "./code-tabs.js";
import { h } from "./html.js";
import { samplesOf } from "./image-samples.js";
import { ImageSet } from "./image-set.js";
import { ImageTile } from "./image-tile.js";
import { ImageViewer } from "./image-viewer.js";
import { fileList, mainDownload, nothing, resultHead } from "./result-parts.js";
import { explain, formatDate, formatDuration } from "./texts.js";
import { rangesOfAddress, rangesOfFile, zipEntries } from "./zip-entries.js";

/** @typedef {import("./client.js").CutImage} CutImage */
/** @typedef {import("./client.js").Output} Output */

const EXPIRED = "The files of these images have expired. Add the images again to cut them.";
const FILES = {
  png: { name: "PNG", plays: "The image, transparent where its background was." },
  zip: { name: "All images", plays: "A ZIP with a transparent PNG of each image, under its name." },
};

/** `<image-result>`: fires `change-options`, `remove`, and `stale` when a link has failed. */
export class ImageResult extends HTMLElement {
  set = new ImageSet();
  client = new Client("");
  #viewer = new ImageViewer();
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  /** @type {ImageTile[]} */
  #tiles = [];
  #chosen = 0;
  /** The files in the ZIP of the server. @type {ReturnType<typeof zipEntries> | null} */
  #cuts = null;
  /** The files in the ZIP of the person. @type {ReturnType<typeof zipEntries> | null} */
  #originals = null;

  connectedCallback() {
    const { job } = this.set;
    const { result } = job ?? {};
    if (!job || !result) return;
    const line = about(job.completedAt, result);
    if (this.set.isExpired) return this.replaceChildren(resultHead(this.set, line), nothing(EXPIRED));
    const images = result.images ?? [];
    const files = fileList(this.set, this.client, ({ format }) => (format === "zip" ? FILES.zip : FILES.png));
    const head = resultHead(
      this.set,
      line,
      mainDownload(this.set, this.client, files, ({ format }) => format),
    );
    const samples = new CodeTabs();
    samples.heading = "The same cut in code";
    samples.samples = samplesOf(this.set);
    const viewer = this.#viewer;
    viewer.isOneOfSeveral = images.length > 1;
    viewer.addEventListener("stale", () => this.dispatchEvent(new Event("stale")));
    viewer.addEventListener("compare", (event) => {
      this.#compare(/** @type {CustomEvent<File[]>} */ (event).detail);
    });
    const isZip = result.outputs[0].format === "zip";
    this.#tiles = isZip ? images.map((image, at) => this.#tile(image, at)) : [];
    this.replaceChildren(
      head,
      viewer,
      this.#problem,
      ...(isZip
        ? [files, h("ul", { class: "tiles", "aria-label": "The images" }, ...this.#tiles), samples]
        : [h("div", { class: "below" }, files, samples)]),
    );
    const first = images.findIndex(({ status }) => status === "completed");
    this.#choose(Math.max(first, 0));
  }

  /** @param {CutImage} image @param {number} at */
  #tile(image, at) {
    const tile = new ImageTile();
    tile.name = this.#nameOf(image);
    tile.image = image;
    tile.read = () => this.#read(image);
    tile.addEventListener("choose", () => {
      this.#choose(at);
      this.#viewer.scrollIntoView({ block: "nearest" });
    });
    tile.addEventListener("unreadable", (event) => this.#say(/** @type {CustomEvent} */ (event).detail));
    return tile;
  }

  /** @param {CutImage} image */
  #nameOf = ({ name }) => name ?? this.set.name;

  /** The PNG of an image, from the ZIP of the server. @param {CutImage} image @returns {Promise<Blob>} */
  async #read({ file }) {
    await this.set.refresh(this.client);
    const zip = () => /** @type {Output} */ (this.set.job?.result?.outputs[0]);
    const read = rangesOfAddress(() => ownAddress(zip().url));
    this.#cuts ??= zipEntries(zip().size, read).catch((problem) => {
      this.#cuts = null;
      throw problem;
    });
    const entry = (await this.#cuts).get(file ?? "");
    if (!entry) throw new Problem("UNKNOWN_ERROR", "The ZIP does not hold this image");
    return new Blob([await entry()], { type: "image/png" });
  }

  /** @param {number} at */
  async #choose(at) {
    const { result } = this.set.job ?? {};
    const image = result?.images?.[at];
    if (!result || !image) return;
    this.#chosen = at;
    this.#problem.hidden = true;
    for (const [index, tile] of this.#tiles.entries()) tile.isChosen = index === at;
    try {
      const cut = this.#tiles.length > 0 ? await this.#read(image) : ownAddress(result.outputs[0].url);
      const before = await this.#original(at);
      if (this.#chosen === at && this.isConnected) await this.#viewer.show(this.#nameOf(image), image, cut, before);
    } catch (problem) {
      this.#say(problem);
    }
  }

  /** Says that something cannot be shown; a link that has failed is got anew. @param {unknown} problem */
  #say(problem) {
    this.#problem.textContent = problem instanceof Problem ? explain(problem) : String(problem);
    this.#problem.hidden = false;
    if (problem instanceof Problem) this.dispatchEvent(new Event("stale"));
  }

  /** The image that was cut, if the page has it. @param {number} at @returns {Promise<Blob | null>} */
  async #original(at) {
    const { set } = this;
    const [own, file] = [set.originals[at], set.isZip && set.files[0]];
    if (own) return own;
    if (!file && set.files.length > 0) return null;
    this.#originals ??= file ? zipEntries(file.size, rangesOfFile(file)) : this.#kept();
    const entries = await this.#originals.catch(() => null);
    // One image that the server keeps has no path.
    const read = entries?.get(set.job?.result?.images?.[at].name ?? "") ?? entries?.get("");
    return read ? read().catch(() => null) : null;
  }

  /** The images that the server keeps. @returns {ReturnType<typeof zipEntries>} */
  async #kept() {
    const { set, client } = this;
    const { url, size, contentType } = await client.input(set.job?.jobId ?? "");
    const address = ownAddress(url);
    if (contentType === "application/zip")
      return zipEntries(
        size,
        rangesOfAddress(() => address),
      );
    return new Map([["", () => client.download(address, set.name, contentType)]]);
  }

  /** Takes the images that were cut, each by its name. @param {File[]} files */
  #compare(files) {
    const images = this.set.job?.result?.images ?? [];
    const of = (/** @type {CutImage} */ image) =>
      images.length === 1 ? files[0] : files.find(({ name }) => name === this.#nameOf(image).split("/").pop());
    this.set.originals = images.map((image, at) => of(image) ?? this.set.originals[at]);
    this.#choose(this.#chosen);
  }
}

/** @param {number | null} completedAt @param {import("./client.js").Result} result */
function about(completedAt, { images, processingTimeMs }) {
  const all = images?.length ?? 0;
  const cut = (images ?? []).filter(({ status }) => status === "completed").length;
  return [
    cut < all && `${cut} of ${all} images`,
    `cut in ${formatDuration(processingTimeMs / 1000)}`,
    completedAt && formatDate(completedAt),
  ]
    .filter(Boolean)
    .join(" · ");
}

customElements.define("image-result", ImageResult);
