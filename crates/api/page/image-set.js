// Images that one job cuts, from draft to result.

import { nameIn } from "./clip.js";
import { Item } from "./item.js";
import { formatDate } from "./texts.js";

/** Images that the page has, an address of one, or a ZIP of them. */
export class ImageSet extends Item {
  /** @type {"video" | "image"} */
  kind = "image";
  /** The images, or one ZIP of them, if they were added on this page. @type {File[]} */
  #files = [];
  /** The images before their cut, in their order, as far as the page has them by themselves. @type {(File | undefined)[]} */
  originals = [];
  /** Whether the file is a ZIP. */
  isZip = false;

  /** @param {File[]} files */
  static ofFiles(files) {
    const name = files.length > 1 ? `${files.length} images` : files[0].name || "pasted image";
    const set = Object.assign(new ImageSet(), { name, originals: files });
    set.#files = files;
    return set;
  }

  /** @param {File} file */
  static ofZip(file) {
    return Object.assign(ImageSet.ofFiles([file]), { isZip: true, originals: [] });
  }

  /** @param {string} address */
  static ofAddress(address) {
    return Object.assign(new ImageSet(), { address, name: nameIn(address) });
  }

  /** @param {import("./client.js").Job} job */
  static ofJob(job) {
    const count = job.result?.images?.length;
    const name = job.clipName ?? (count ? `${count} images` : `Images of ${formatDate(job.createdAt)}`);
    const set = Object.assign(new ImageSet(), { job, name });
    set.remember();
    return set;
  }

  /** @returns {ImageSet} */
  again() {
    const { address, name, source, picture, keyColor, isZip, originals, options } = this;
    const draft = Object.assign(new ImageSet(), { address, name, source, picture, keyColor, isZip, originals });
    draft.#files = this.#files;
    draft.options = options && { ...options };
    return draft;
  }

  /** Several images come back as a ZIP of them. @param {File} file */
  takeInput(file) {
    this.#files = [file];
    this.isZip = file.type === "application/zip";
    if (!this.isZip) this.originals = [file];
  }

  get files() {
    return this.#files;
  }

  /** Names the job after all of its images; the server would take the name of one. @type {Item["submit"]} */
  submit(client, form, signal, once) {
    form.set("clipName", this.name);
    return super.submit(client, form, signal, once);
  }

  /** How many images it has; null before a ZIP was read. */
  get count() {
    return this.#images?.length ?? (this.isZip ? null : Math.max(this.#files.length, 1));
  }

  get verdict() {
    const failed = this.#images?.filter(({ status }) => status === "failed").length ?? 0;
    return failed > 0 ? `Done, ${failed} of ${this.count} failed` : "Done";
  }

  get #images() {
    return this.job?.result?.images;
  }
}
