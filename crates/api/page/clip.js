// One clip, from draft to result.
import { Client, Problem } from "./client.js";
import { explain, formatDate } from "./texts.js";

/** @typedef {import("./client.js").Job} Job */
/** @typedef {"draft" | "sending" | "waiting" | "working" | "done" | "failed" | "gone"} State */
/** @typedef {import("./cut-options.js").Options} Options */

/**
 * What a region of the clip is, subject or background; x and y in shares of the frame, time in seconds.
 * @typedef {{ time: number, x: number, y: number, kind: "keep" | "remove" }} Hint
 */
/** The settings of a cut that belong to one clip. @typedef {{ keyColor: string | null, hints: Hint[] }} ClipSettings */

/** A link that fails when it is younger than this fails for another reason than its age. */
const LINKS_ARE_NEW_MS = 60_000;

/** Fires `change` whenever one of its properties has changed. */
export class Clip extends EventTarget {
  /** The file, if it was added on this page; jobs of earlier visits have none. @type {File | null} */
  file = null;
  /** The address of the clip, if it was given as one. */
  address = "";
  name = "";
  /** The background color that the user picked. @type {string | null} */
  keyColor = null;
  /** Regions that the user marked. @type {Hint[]} */
  hints = [];
  /** The warning whose time and place are shown when the clip is opened again. @type {import("./client.js").Warning | null} */
  lookAt = null;
  /** The options of its job. @type {Options | null} */
  options = null;
  /** The share of the submit that is sent; null when none is under way. @type {number | null} */
  sentShare = null;
  /** The share of the upload that is sent; null without an upload. @type {number | null} */
  uploadedShare = null;
  /** @type {Job | null} */
  job = null;
  /** What went wrong outside of the job, as sentences. */
  problem = "";
  /** Whether the server does not answer while the job is followed. */
  isLost = false;
  #isGone = false;
  #refreshedMs = 0;
  #stop = new AbortController();
  #stopUpload = new AbortController();
  /** @type {Promise<import("./client.js").Upload> | null} */
  #upload = null;

  /** @param {File} file */
  static ofFile(file) {
    return Object.assign(new Clip(), { file, name: file.name || "pasted clip" });
  }

  /** @param {string} address */
  static ofAddress(address) {
    return Object.assign(new Clip(), { address, name: address.split(/[?#]/)[0].split("/").pop() || address });
  }

  /** @param {Job} job */
  static ofJob(job) {
    return Object.assign(new Clip(), { job, name: job.clipName ?? `Clip of ${formatDate(job.createdAt)}` });
  }

  /** @returns {State} */
  get state() {
    if (this.#isGone) return "gone";
    if (this.sentShare !== null) return "sending";
    if (this.job === null) return "draft";
    if (this.job.status === "completed") return "done";
    if (this.job.status === "failed") return "failed";
    return this.job.status === "processing" ? "working" : "waiting";
  }

  /** What went wrong, as sentences. */
  get failure() {
    return this.problem || (this.job?.error ? explain(this.job.error) : "");
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Runs `act`; an error that it throws becomes `problem`. @param {() => Promise<void>} act */
  async #attempt(act) {
    this.problem = "";
    try {
      await act();
    } catch (error) {
      const isOwn = error instanceof Problem && error.code === "JOB_CANCELLED";
      // Removed elsewhere, with another page or a program of the same key.
      if (error instanceof Problem && error.code === "JOB_NOT_FOUND") this.#isGone = true;
      else if (!isOwn) this.problem = error instanceof Problem ? explain(error) : String(error);
    }
    this.#changed();
  }

  /**
   * Uploads its file, once however often it is called: for previews, and for the jobs that follow.
   * @param {Client} client @param {File} file
   */
  upload(client, file) {
    const onSent = (/** @type {number} */ share) => {
      this.uploadedShare = share;
      if (this.sentShare !== null) this.sentShare = share;
      this.#changed();
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

  /** Submits a job and follows it. @param {Client} client @param {Options} options @param {FormData} form */
  send(client, options, form) {
    this.options = options;
    form.set("clipName", this.name);
    this.#stop = new AbortController();
    return this.#attempt(async () => {
      this.sentShare = this.uploadedShare ?? 0;
      this.#changed();
      const accepted = this.#submit(client, form).finally(() => {
        this.sentShare = null;
      });
      const { jobId } = await accepted;
      this.job = await client.read(jobId);
      this.#changed();
      await this.#follow(client);
    });
  }

  /** @param {Client} client @param {FormData} form @returns {Promise<{ jobId: string }>} */
  async #submit(client, form) {
    const onSent = (/** @type {number} */ share) => {
      this.sentShare = share;
      this.#changed();
    };
    if (this.#upload) {
      const { storageId } = await this.#upload;
      form.set("inputStorageId", storageId);
      try {
        return await client.submit(form, () => {}, this.#stop.signal);
      } catch (problem) {
        if (!(problem instanceof Problem && problem.code === "UPLOAD_NOT_FOUND")) throw problem;
        this.forgetUpload();
        form.delete("inputStorageId");
      }
    }
    if (this.file) form.append("file", this.file, this.name);
    else form.append("url", this.address);
    return client.submit(form, onSent, this.#stop.signal);
  }

  /** Follows a job that has not ended. @param {Client} client */
  follow(client) {
    return this.#attempt(() => this.#follow(client));
  }

  /** @param {Client} client */
  async #follow(client) {
    if (!this.job) return;
    const onLost = (/** @type {boolean} */ isLost) => {
      this.isLost = isLost;
      this.#changed();
    };
    for await (const job of client.follow(this.job.jobId, this.#stop.signal, onLost)) {
      this.job = job;
      this.#changed();
    }
  }

  /** @param {Client} client */
  cancel(client) {
    return this.#attempt(async () => {
      if (this.state === "sending") this.leave();
      else if (this.job) this.job = await client.cancel(this.job.jobId);
    });
  }

  /**
   * Runs the job again as a new one; a clip that the server has removed is sent again, if the page still has it.
   * @param {Client} client @param {(options: Options) => FormData} formOf
   */
  retry(client, formOf) {
    return this.#attempt(async () => {
      if (!this.job) return;
      this.#stop = new AbortController();
      const { options } = this;
      const accepted = client.retry(this.job.jobId).catch((problem) => {
        if (problem.code !== "INPUT_GONE" || !options || !(this.file || this.address)) throw problem;
      });
      const jobId = (await accepted)?.jobId;
      if (!jobId && options) return this.send(client, options, formOf(options));
      if (!jobId) return;
      this.job = await client.read(jobId);
      this.#changed();
      await this.#follow(client);
    });
  }

  /** Gets new links: they last an hour. Returns whether the links are new. @param {Client} client */
  async refresh(client) {
    if (Date.now() - this.#refreshedMs < LINKS_ARE_NEW_MS) return false;
    this.#refreshedMs = Date.now();
    await this.#attempt(async () => {
      if (this.job) this.job = await client.read(this.job.jobId);
    });
    return this.problem === "";
  }

  /** Whether the server has removed its files by now. */
  get isExpired() {
    const { expiresAt = null } = this.job ?? {};
    return expiresAt !== null && expiresAt * 1000 < Date.now();
  }

  /** Whether its result has warnings, of the matte or of anything else. */
  get hasWarnings() {
    const { report, notes } = this.job?.result ?? {};
    return Boolean(report?.warnings.length || notes?.some(({ isWarning }) => isWarning));
  }

  /** Makes it a draft again. */
  reopen() {
    this.job = null;
    this.problem = "";
    this.#changed();
  }

  /** Removes it, its job and its files. @param {Client} client */
  async remove(client) {
    this.leave();
    const [job, upload] = [this.job, this.#upload];
    await this.#attempt(async () => {
      if (job) await client.remove(job.jobId);
    });
    upload?.then(
      (sent) => client.removeUpload(sent),
      () => {},
    );
    this.#isGone = this.problem === "";
    this.#changed();
  }

  /** Stops what the page sends and follows; the job itself goes on. */
  leave() {
    this.#stop.abort();
    this.#stopUpload.abort();
  }
}
