// One clip, from the moment it is added until its files are there.
import { Client, Problem } from "./client.js";
import { explain, sayDate } from "./words.js";

/** @typedef {import("./client.js").Job} Job */
/** @typedef {"draft" | "sending" | "waiting" | "working" | "done" | "failed" | "gone"} State */
/** @typedef {import("./cut-options.js").Options} Options */

/**
 * What a region of the clip is, whatever it looks like; places in shares of the frame, time in seconds.
 * @typedef {{ time: number, x: number, y: number, kind: "keep" | "remove" }} Hint
 */
/** What of a clip its cut is told. @typedef {{ keyColor: string | null, hints: Hint[] }} Known */

/** Links that fail though they are so new are not helped by newer ones. */
const LINKS_ARE_NEW_MS = 60_000;

/** Fires `change` whenever something about it is different. */
export class Clip extends EventTarget {
  /** The file, if it was added here; jobs of earlier visits have none. @type {File | null} */
  file = null;
  /** Where the clip lies, if it was given as an address. */
  address = "";
  name = "";
  /** The background color that was picked for it. @type {string | null} */
  keyColor = null;
  /** What was said about regions of it. @type {Hint[]} */
  hints = [];
  /** What of it is to be looked at when it is opened again. @type {import("./client.js").Warning | null} */
  lookAt = null;
  /** The options it was sent with. @type {Options | null} */
  options = null;
  /** The share that is sent. @type {number | null} */
  sent = null;
  /** The share that is sent ahead of its job. @type {number | null} */
  sentAhead = null;
  /** @type {Job | null} */
  job = null;
  /** What went wrong outside of its job, as sentences. */
  problem = "";
  /** Whether the server does not answer while the job is followed. */
  isLost = false;
  #isGone = false;
  #refreshedMs = 0;
  #stop = new AbortController();
  #stopAhead = new AbortController();
  /** @type {Promise<import("./client.js").Upload> | null} */
  #ahead = null;

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
    return Object.assign(new Clip(), { job, name: job.clipName ?? `Clip of ${sayDate(job.createdAt)}` });
  }

  /** @returns {State} */
  get state() {
    if (this.#isGone) return "gone";
    if (this.sent !== null) return "sending";
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

  /** Runs `act`; what it throws becomes the clip's problem. @param {() => Promise<void>} act */
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
   * Sends its file ahead of any job, once however often it is asked for: for previews, and for the jobs that follow.
   * @param {Client} client @param {File} file
   */
  sendAhead(client, file) {
    const onSent = (/** @type {number} */ share) => {
      this.sentAhead = share;
      if (this.sent !== null) this.sent = share;
      this.#changed();
    };
    this.#stopAhead = this.#ahead ? this.#stopAhead : new AbortController();
    this.#ahead ??= client.upload(file, onSent, this.#stopAhead.signal).catch((problem) => {
      this.#ahead = null;
      throw problem;
    });
    return this.#ahead;
  }

  /** What was sent ahead is kept no more. */
  lostAhead() {
    this.#ahead = null;
    this.sentAhead = null;
  }

  /** Sends it and follows its job. @param {Client} client @param {Options} options @param {FormData} form */
  send(client, options, form) {
    this.options = options;
    form.set("clipName", this.name);
    this.#stop = new AbortController();
    return this.#attempt(async () => {
      this.sent = this.sentAhead ?? 0;
      this.#changed();
      const accepted = this.#submit(client, form).finally(() => {
        this.sent = null;
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
      this.sent = share;
      this.#changed();
    };
    if (this.#ahead) {
      const { storageId } = await this.#ahead;
      form.set("inputStorageId", storageId);
      try {
        return await client.submit(form, () => {}, this.#stop.signal);
      } catch (problem) {
        if (!(problem instanceof Problem && problem.code === "UPLOAD_NOT_FOUND")) throw problem;
        this.lostAhead();
        form.delete("inputStorageId");
      }
    }
    if (this.file) form.append("file", this.file, this.name);
    else form.append("url", this.address);
    return client.submit(form, onSent, this.#stop.signal);
  }

  /** Goes on with a job that has not ended. @param {Client} client */
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
   * Runs the job again as a new one; a clip that the server has let go of is sent again, if it is still here.
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

  /** Its links last an hour; this gets new ones. Says whether they may be better. @param {Client} client */
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

  /** Back to being asked, with its file or address still here. */
  reopen() {
    this.job = null;
    this.problem = "";
    this.#changed();
  }

  /** With its files. @param {Client} client */
  async remove(client) {
    this.leave();
    const [job, ahead] = [this.job, this.#ahead];
    await this.#attempt(async () => {
      if (job) await client.remove(job.jobId);
    });
    ahead?.then(
      (upload) => client.forget(upload),
      () => {},
    );
    this.#isGone = this.problem === "";
    this.#changed();
  }

  /** Ends what is under way here; the job itself goes on. */
  leave() {
    this.#stop.abort();
    this.#stopAhead.abort();
  }
}
