// One clip, from draft to result.
import { Client, Problem } from "./client.js";
import { keepPart, keptPart, partOf } from "./clip-part.js";
import { Item } from "./item.js";
import { keepJob } from "./kept-jobs.js";
import { formatDate } from "./texts.js";

/**
 * What a region of the clip is, subject or background; x and y in shares of the frame, time in seconds.
 * @typedef {{ time: number, x: number, y: number, kind: "keep" | "remove" }} Hint
 */
/**
 * The settings of a cut that belong to one clip. `trim` is its part, as `START,END` in seconds, and
 * `crop` that of its frame; empty for all of it.
 * @typedef {{ keyColor: string | null, hints: Hint[], trim: string, crop: string }} ClipSettings
 */

/** A clip, whose file goes ahead as an upload once a preview needs it. */
export class Clip extends Item {
  /** The file, if it was added on this page; jobs of earlier visits have none. @type {File | null} */
  file = null;
  /** Regions that the user marked. @type {Hint[]} */
  hints = [];
  /** Its part that is cut, as `START,END`; empty for all of it. */
  trim = "";
  /** The part of its frame that is cut: a rectangle or a shape; empty for all of it. */
  crop = "";
  /** The warning whose time and place are shown when the clip is opened again. @type {import("./client.js").Warning | null} */
  lookAt = null;
  /** What its job cuts; null where the page does not know it. @type {import("./clip-part.js").Part | null} */
  part = null;
  /** The share of the upload that is sent; null without an upload. @type {number | null} */
  uploadedShare = null;
  #stopUpload = new AbortController();
  /** @type {Promise<import("./client.js").Upload> | null} */
  #upload = null;

  /** @param {File} file */
  static ofFile(file) {
    return Object.assign(new Clip(), { file, name: file.name || "pasted clip" });
  }

  /** @param {string} address */
  static ofAddress(address) {
    return Object.assign(new Clip(), { address, name: nameIn(address) });
  }

  /** @param {import("./client.js").Job} job */
  static ofJob(job) {
    const part = keptPart(job.jobId);
    const { trim, crop } = part ?? { trim: "", crop: "" };
    const name = job.clipName ?? `Clip of ${formatDate(job.createdAt)}`;
    const clip = Object.assign(new Clip(), { job, name, part, trim, crop });
    clip.hints = clip.remember()?.hints ?? [];
    return clip;
  }

  /** @returns {Clip} */
  again() {
    const { file, address, name, source, picture, keyColor, trim, crop } = this;
    const draft = Object.assign(new Clip(), { file, address, name, source, picture, keyColor, trim, crop });
    draft.hints = [...this.hints];
    draft.options = this.options && { ...this.options, formats: [...this.options.formats] };
    draft.uploadedShare = this.uploadedShare;
    draft.#upload = this.#upload;
    return draft;
  }

  /** @param {File} file */
  takeInput(file) {
    this.file = file;
  }

  keep() {
    const { job, source, options, keyColor, hints, picture } = this;
    if (job) keepJob(job.jobId, { source, options, keyColor, hints, picture });
  }

  get files() {
    return this.file ? [this.file] : [];
  }

  /**
   * Uploads its file, once however often it is called: for previews, and for the jobs that follow.
   * @param {Client} client @param {File} file
   */
  upload(client, file) {
    const onSent = (/** @type {number} */ share) => {
      this.uploadedShare = share;
      if (this.sentShare !== null) this.showSent(share);
      else this.changed();
    };
    this.#stopUpload = this.#upload ? this.#stopUpload : new AbortController();
    this.#upload ??= client.upload(file, onSent, this.#stopUpload.signal).catch((problem) => {
      this.#upload = null;
      throw problem;
    });
    return this.#upload;
  }

  /** Drops an upload that the server has removed. */
  forgetUpload() {
    this.#upload = null;
    this.uploadedShare = null;
  }

  /** @type {Item["submit"]} */
  async submit(client, form, signal, once) {
    const part = partOf(form);
    const accepted = await this.#submit(client, form, signal, once);
    this.part = part;
    keepPart(accepted.jobId, part);
    return accepted;
  }

  /** @param {Client} client @param {FormData} form @param {AbortSignal} signal @param {string} once */
  async #submit(client, form, signal, once) {
    form.set("clipName", this.name);
    if (!this.#upload) return super.submit(client, form, signal, once);
    this.showSent(this.uploadedShare ?? 0);
    const { storageId } = await this.#upload;
    form.set("inputStorageId", storageId);
    try {
      return await client.submit(this.kind, form, () => {}, signal, once);
    } catch (problem) {
      if (!(problem instanceof Problem && problem.code === "UPLOAD_NOT_FOUND")) throw problem;
      this.forgetUpload();
      form.delete("inputStorageId");
      return super.submit(client, form, signal, once);
    }
  }

  get verdict() {
    return this.hasWarnings ? "Done, worth a look" : "Done";
  }

  /** Whether its result has warnings, of the matte or of anything else. */
  get hasWarnings() {
    const { report, notes } = this.job?.result ?? {};
    return Boolean(report?.warnings.length || notes?.some(({ isWarning }) => isWarning));
  }

  /** @param {Client} client */
  async remove(client) {
    const upload = this.#upload;
    await super.remove(client);
    upload?.then(
      (sent) => client.removeUpload(sent),
      () => {},
    );
  }

  leave() {
    super.leave();
    this.#stopUpload.abort();
  }
}

/** The name of the file that lies at an address. @param {string} address */
export const nameIn = (address) => address.split(/[?#]/)[0].split("/").pop() || address;
