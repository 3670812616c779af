// One thing to cut, from draft to result: a clip, or a set of images. What both have is here.
import { Client, ownAddress, Problem } from "./client.js";
import { keepJob, keptJob } from "./kept-jobs.js";
import { randomId } from "./random-id.js";
import { save } from "./save.js";
import { explain } from "./texts.js";

/** @typedef {import("./client.js").Job} Job */
/** @typedef {"draft" | "sending" | "waiting" | "working" | "done" | "failed" | "gone"} State */

/** Links that are younger than this are not asked for anew: they last an hour, or as long as the server says. */
const LINKS_ARE_NEW_MS = 60_000;

/** Fires `change` whenever one of its properties has changed. */
export class Item extends EventTarget {
  /** The kind of its jobs, as in their addresses. @type {"video" | "image"} */
  kind = "video";
  /** Its address, if it was given as one. */
  address = "";
  name = "";
  /** What is cut: all attempts at one clip, or at one set of images, have the same. */
  source = randomId();
  /** When it was made, in milliseconds since 1970. */
  madeMs = Date.now();
  /** The options of its job, or those that are set for it. @type {any} */
  options = null;
  /** A small picture of it, as a data URL; empty without one. */
  picture = "";
  /** Whether its input comes from the server. */
  isFetching = false;
  /** The background color that the user picked. @type {string | null} */
  keyColor = null;
  /** The share of the submit that is sent; null when none is under way. @type {number | null} */
  sentShare = null;
  /** What went wrong outside of the job, as sentences. */
  problem = "";
  /** Whether the server does not answer while the job is sent or followed. */
  isLost = false;
  /** The fields of its last submit. @type {FormData | null} */
  #form = null;
  #isGone = false;
  /** @type {Job | null} */
  #job = null;
  /** When its job, and so the links to its files, came from the server. */
  #receivedMs = 0;
  /** When its links were asked for because one had failed. */
  #renewedMs = 0;
  /** @type {Promise<void> | null} */
  #reading = null;
  #stop = new AbortController();

  /** Its job, as the server said last. @returns {Job | null} */
  get job() {
    return this.#job;
  }

  set job(job) {
    this.#job = job;
    this.#receivedMs = Date.now();
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

  /** Whether somebody has cancelled its job. */
  get isCancelled() {
    return this.job?.error?.code === "JOB_CANCELLED" && this.problem === "";
  }

  /** Reads the place of its job in the line, unless the job has gone on meanwhile. @param {Client} client */
  async readPlace(client) {
    const { job } = this;
    const now = job && (await client.read(job.jobId).catch(() => null));
    if (!now || !this.#job || this.state !== "waiting" || now.revision < this.#job.revision) return;
    this.job = now;
    this.changed();
  }

  /** What went wrong, as sentences. */
  get failure() {
    return this.problem || (this.job?.error ? explain(this.job.error) : "");
  }

  /** Its files, as far as they were added on this page; jobs of earlier visits have none. @returns {File[]} */
  get files() {
    return [];
  }

  /** Whether it can be sent again from here. */
  get canBeSent() {
    return this.files.length > 0 || this.address !== "";
  }

  /** Whether it can be cut again: the page has it, or the server still keeps it. */
  get canBeCutAgain() {
    return this.canBeSent || (this.job !== null && !this.isExpired);
  }

  /** Takes over what is kept in mind of its job. */
  remember() {
    const kept = this.job && keptJob(this.job.jobId);
    this.source = kept?.source ?? this.job?.jobId ?? this.source;
    this.madeMs = this.job ? this.job.createdAt * 1000 : this.madeMs;
    this.options = kept?.options ?? null;
    this.keyColor = kept?.keyColor ?? null;
    this.picture = kept?.picture ?? "";
    return kept;
  }

  /** Keeps its job in mind for later visits. */
  keep() {
    const { source, options, keyColor, picture } = this;
    if (this.job) keepJob(this.job.jobId, { source, options, keyColor, picture });
  }

  /** A draft of the same, with the same settings. @returns {Item} */
  again() {
    throw new Error("only clips and images are cut again");
  }

  /** Takes a file that the server has kept. @param {File} _file */
  takeInput(_file) {}

  /** Gets what it cuts from the server, unless the page has it. Returns whether it is here. @param {Client} client */
  async fetchInput(client) {
    const { job } = this;
    if (this.canBeSent || !job) return true;
    this.isFetching = true;
    this.changed();
    await this.#attempt(async () => {
      const { url, contentType } = await client.input(job.jobId);
      this.takeInput(await client.download(ownAddress(url), this.name, contentType));
    });
    this.isFetching = false;
    this.changed();
    return this.canBeSent;
  }

  changed() {
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
    this.changed();
  }

  /** Submits a job with the fields of `form` and follows it. @param {Client} client @param {FormData} form */
  send(client, form) {
    this.#form = form;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    return this.#attempt(async () => {
      const ask = (/** @type {string} */ once) => this.submit(client, copyOf(form), signal, once);
      const { jobId } = await this.#answered(client, signal, ask);
      await this.#begin(client, jobId);
    });
  }

  /**
   * Asks for a job, again and again until the server answers, with one key: a job whose answer was lost is not made twice.
   * @template T @param {Client} client @param {AbortSignal} signal @param {(once: string) => Promise<T>} ask
   */
  async #answered(client, signal, ask) {
    const once = randomId();
    try {
      for (;;) {
        this.showSent(0);
        try {
          return await ask(once);
        } catch (problem) {
          const isPassing =
            problem instanceof Problem &&
            (problem.code === "UNREACHABLE" || (problem.code === "IDEMPOTENCY_CONFLICT" && problem.status === 409));
          if (!isPassing) throw problem;
          this.isLost = problem.code === "UNREACHABLE";
        }
        this.showSent(0);
        await client.answers(signal);
        if (signal.aborted) throw new Problem("JOB_CANCELLED", "it was not sent");
        this.isLost = false;
      }
    } finally {
      this.sentShare = null;
      this.isLost = false;
    }
  }

  /** Follows a job that was accepted just now. @param {Client} client @param {string} jobId */
  async #begin(client, jobId) {
    this.job = acceptedJob(jobId, this.kind);
    this.keep();
    this.changed();
    await this.#follow(client);
  }

  /**
   * Sends its files or its address, once for all requests with the same `once`.
   * @param {Client} client @param {FormData} form @param {AbortSignal} signal @param {string} once
   * @returns {Promise<{ jobId: string }>}
   */
  submit(client, form, signal, once) {
    // The files come last: the server refuses a field before it has received them.
    for (const file of this.files) form.append("file", file, file.name || this.name);
    if (this.files.length === 0) form.append("url", this.address);
    return client.submit(this.kind, form, (share) => this.showSent(share), signal, once);
  }

  /** Shows how much of the submit is sent. @param {number} share */
  showSent(share) {
    this.sentShare = share;
    this.changed();
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
      this.changed();
    };
    for await (const job of client.follow(this.job.jobId, this.#stop.signal, onLost)) {
      this.job = job;
      this.changed();
    }
  }

  /** @param {Client} client */
  cancel(client) {
    return this.#attempt(async () => {
      if (this.state === "sending") this.leave();
      else if (this.job) this.job = await client.cancel(this.job.jobId);
    });
  }

  /** Runs the job again as a new one; files that the server has removed are sent again, if the page still has them. @param {Client} client */
  retry(client) {
    return this.#attempt(async () => {
      if (!this.job) return;
      const { jobId: old } = this.job;
      this.#stop = new AbortController();
      const form = this.#form;
      const accepted = this.#answered(client, this.#stop.signal, (once) => client.retry(old, once));
      const again = accepted.catch((problem) => {
        if (problem.code !== "INPUT_GONE" || !form || !this.canBeSent) throw problem;
      });
      const jobId = (await again)?.jobId;
      if (!jobId && form) return this.send(client, form);
      if (!jobId) return;
      await this.#begin(client, jobId);
    });
  }

  /** Downloads all of its files as one ZIP. @param {Client} client @param {(output: import("./client.js").Output) => string} nameOf */
  downloadAll(client, nameOf) {
    return this.#attempt(async () => {
      await this.refresh(client);
      const { zipOf } = await import("./zip-writer.js");
      const files = [];
      for (const output of this.job?.result?.outputs ?? []) {
        const name = nameOf(output);
        files.push({ name, blob: await client.download(ownAddress(output.url), name, "") });
      }
      save(await zipOf(files), `${this.name.replace(/\.[a-z0-9]{2,4}$/i, "")}.zip`);
    });
  }

  /** Whether its links are so new that they open. */
  get hasNewLinks() {
    return Date.now() - this.#receivedMs < LINKS_ARE_NEW_MS;
  }

  /** Gets new links unless they are new. Returns whether they are. @param {Client} client */
  async refresh(client) {
    if (!this.hasNewLinks) await this.#read(client);
    return this.hasNewLinks;
  }

  /** Gets new links after one has failed, but not again and again. Returns whether it did. @param {Client} client */
  async renew(client) {
    if (Date.now() - this.#renewedMs < LINKS_ARE_NEW_MS) return false;
    this.#renewedMs = Date.now();
    await this.#read(client);
    return this.problem === "";
  }

  /** Gets its job, once however often it is called meanwhile. @param {Client} client */
  #read(client) {
    this.#reading ??= this.#attempt(async () => {
      if (this.job) this.job = await client.read(this.job.jobId);
    }).finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Whether the server has removed its files by now. */
  get isExpired() {
    const { expiresAt = null } = this.job ?? {};
    return expiresAt !== null && expiresAt * 1000 < Date.now();
  }

  /** What is said of it once it is done. */
  get verdict() {
    return "Done";
  }

  /** Makes it a draft again. */
  reopen() {
    this.job = null;
    this.problem = "";
    this.changed();
  }

  /** Removes it, its job and its files. @param {Client} client */
  async remove(client) {
    const { job } = this;
    await this.#attempt(async () => {
      if (job) await client.remove(job.jobId);
      this.leave();
      this.#isGone = true;
    });
  }

  /** Stops what the page sends and follows; the job itself goes on. */
  leave() {
    this.#stop.abort();
  }
}

/** @param {FormData} form */
function copyOf(form) {
  const copy = new FormData();
  for (const [name, value] of form) copy.append(name, value);
  return copy;
}

/** A job as it is until the server says more. @param {string} jobId @param {"video" | "image"} type @returns {Job} */
const acceptedJob = (jobId, type) => ({
  jobId,
  type,
  status: "queued",
  progress: 0,
  stage: "queued-on-railway",
  createdAt: Math.floor(Date.now() / 1000),
  startedAt: null,
  completedAt: null,
  error: null,
  result: null,
  revision: 0,
  queuePosition: null,
  estimatedStartAt: null,
  clipName: null,
});
