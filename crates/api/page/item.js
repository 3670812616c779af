// One thing to cut, from draft to result: a clip, or a set of images. What both have is here.
import { Client, Problem } from "./client.js";
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
  /** The background color that the user picked. @type {string | null} */
  keyColor = null;
  /** The share of the submit that is sent; null when none is under way. @type {number | null} */
  sentShare = null;
  /** What went wrong outside of the job, as sentences. */
  problem = "";
  /** Whether the server does not answer while the job is followed. */
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

  /** What went wrong, as sentences. */
  get failure() {
    return this.problem || (this.job?.error ? explain(this.job.error) : "");
  }

  /** Its files, as far as they were added on this page; jobs of earlier visits have none. @returns {File[]} */
  get files() {
    return [];
  }

  /** Whether it can be sent again. */
  get canBeSent() {
    return this.files.length > 0 || this.address !== "";
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
    return this.#attempt(async () => {
      this.sentShare = 0;
      this.changed();
      const accepted = this.submit(client, copyOf(form), this.#stop.signal).finally(() => {
        this.sentShare = null;
      });
      const { jobId } = await accepted;
      this.job = await client.read(jobId);
      this.changed();
      await this.#follow(client);
    });
  }

  /**
   * Sends its files or its address.
   * @param {Client} client @param {FormData} form @param {AbortSignal} signal @returns {Promise<{ jobId: string }>}
   */
  submit(client, form, signal) {
    // The files come last: the server refuses a field before it has received them.
    for (const file of this.files) form.append("file", file, file.name || this.name);
    if (this.files.length === 0) form.append("url", this.address);
    return client.submit(this.kind, form, (share) => this.showSent(share), signal);
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
      this.#stop = new AbortController();
      const form = this.#form;
      const accepted = client.retry(this.job.jobId).catch((problem) => {
        if (problem.code !== "INPUT_GONE" || !form || !this.canBeSent) throw problem;
      });
      const jobId = (await accepted)?.jobId;
      if (!jobId && form) return this.send(client, form);
      if (!jobId) return;
      this.job = await client.read(jobId);
      this.changed();
      await this.#follow(client);
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
    this.leave();
    const { job } = this;
    await this.#attempt(async () => {
      if (job) await client.remove(job.jobId);
    });
    this.#isGone = this.problem === "";
    this.changed();
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
