// A client of the public API.

/** @typedef {import("./texts.js").Format} Format */
/** @typedef {{ format: Format | "png" | "zip", url: string, size: number }} Output */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box in shares of the frame */
/** @typedef {{ code: string, message: string, from: number, to: number, box: Box }} Warning */
/** @typedef {{ code: string, isWarning: boolean, message: string }} Note */
/**
 * @typedef {object} CutImage
 * @property {string | null} name
 * @property {"completed" | "failed"} status
 * @property {string | null} file its path in the ZIP
 * @property {number | null} width
 * @property {number | null} height
 * @property {"chroma" | "ai" | null} method
 * @property {string | null} model
 * @property {string | null} reason
 * @property {{ hex: string } | null} detectedBackgroundColor
 * @property {{ warnings: { code: string, message: string }[] } | null} report
 * @property {{ code: string, message: string } | null} error
 */
/**
 * The result of a job; what only clips have is null for images.
 * @typedef {object} Result
 * @property {Output[]} outputs
 * @property {CutImage[] | null} images null for a clip
 * @property {number} width
 * @property {number} height
 * @property {number} duration
 * @property {number} frameCount
 * @property {number} fps
 * @property {string | null} crop the part of the clip's frame, as `X,Y,WIDTH,HEIGHT`; null for all of it
 * @property {number} processingTimeMs
 * @property {{ hex: string } | null} detectedBackgroundColor
 * @property {{ confidence: number, warnings: Warning[] } | null} report
 * @property {Note[]} notes
 */
/**
 * @typedef {object} Job
 * @property {string} jobId
 * @property {"video" | "image"} type
 * @property {"queued" | "submitted" | "processing" | "completed" | "failed"} status
 * @property {number} progress
 * @property {string | null} stage
 * @property {number} createdAt
 * @property {number | null} startedAt
 * @property {number | null} completedAt
 * @property {{ code: string, message: string } | null} error
 * @property {Result | null} result
 * @property {number} revision rises with every change
 * @property {number | null} queuePosition
 * @property {number | null} estimatedStartAt
 * @property {number | null} [expiresAt]
 * @property {string | null} clipName
 */

/** @typedef {{ url: string, size: number, contentType: string }} JobInput */
/** @typedef {{ storageId: string, address: string }} Upload */
/**
 * @typedef {object} Preview
 * @property {string} url
 * @property {number} width
 * @property {number} height
 * @property {number} time
 * @property {"chromakey" | "ai"} processingMethod
 * @property {{ hex: string } | null} detectedBackgroundColor
 * @property {number | null} confidence
 * @property {number[]} hintFrames in how many frames each hint holds
 */

/** A failed request: the server's error code and sentence, or `UNREACHABLE`. */
export class Problem extends Error {
  /** @param {string} code @param {string} message @param {number} [status] */
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * Where the page opens a link of the server: at the address of this page, because the server may not know it. A presigned URL of the
 * store is valid only as it is.
 * @param {string} url
 */
export function ownAddress(url) {
  const { pathname, search, searchParams } = new URL(url, location.href);
  return searchParams.has("X-Amz-Signature") ? url : pathname + search;
}

export const unreachable = () => new Problem("UNREACHABLE", "The server does not answer");

/** One request and its whole reply, which may break off, too. @param {string} address @param {RequestInit} init */
async function exchange(address, init) {
  try {
    const reply = await fetch(address, init);
    return { status: reply.status, text: await reply.text() };
  } catch {
    throw unreachable();
  }
}

const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

/** @param {number} status @param {string} text @returns {any} the data of a reply */
function dataOf(status, text) {
  let reply;
  try {
    reply = JSON.parse(text);
  } catch {
    throw new Problem("UNREACHABLE", `Something between here and the server answered with status ${status}`, status);
  }
  if (reply.success) return reply.data;
  throw new Problem(reply.error?.code ?? "UNKNOWN_ERROR", reply.error?.message ?? "the server refused", status);
}

/** Redeems a one-time link. @param {string} token @returns {Promise<string>} the key that a one-time link opens */
export async function redeemLink(token) {
  const body = JSON.stringify({ token });
  const headers = { "content-type": "application/json" };
  const { status, text } = await exchange("/api/v1/sign-in", { method: "POST", headers, body });
  return dataOf(status, text).key;
}

/** The jobs of one key. */
export class Client extends EventTarget {
  /** @param {string} key */
  constructor(key) {
    super();
    this.headers = { authorization: `Bearer ${key}` };
  }

  /** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
  async #request(path, init = {}) {
    const headers = { ...this.headers, ...init.headers };
    const { status, text } = await exchange(`/api/v1${path}`, { ...init, headers });
    return this.#dataOf(status, text);
  }

  /** Fires `refused` if the server does not accept the key. @param {number} status @param {string} text */
  #dataOf(status, text) {
    if (status === 401) this.dispatchEvent(new Event("refused"));
    return dataOf(status, text);
  }

  /** @param {string | null} [cursor] @returns {Promise<{ jobs: Job[], nextCursor: string | null }>} */
  list(cursor) {
    return this.#request(`/jobs?limit=20${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
  }

  /** @param {string} id @returns {Promise<Job>} */
  read(id) {
    return this.#request(`/jobs/${id}`);
  }

  /** @param {string} id @returns {Promise<Job>} */
  cancel(id) {
    return this.#request(`/jobs/${id}/cancel`, { method: "POST" });
  }

  /** Runs a job again, once for all requests with the same `once`. @param {string} id @param {string} once @returns {Promise<{ jobId: string }>} the new job */
  retry(id, once) {
    return this.#request(`/jobs/${id}/retry`, { method: "POST", headers: { "idempotency-key": once } });
  }

  /** Removes a job and its files. @param {string} id */
  remove(id) {
    return this.#request(`/jobs/${id}`, { method: "DELETE" });
  }

  /** A link to what a job cuts, while the server keeps it. @param {string} id @returns {Promise<JobInput>} */
  input(id) {
    return this.#request(`/jobs/${id}/input`);
  }

  /** The file behind a link. @param {string} address @param {string} name @param {string} type */
  async download(address, name, type) {
    const reply = await fetch(address).catch(() => {
      throw unreachable();
    });
    if (!reply.ok) throw new Problem("FILE_GONE", "The file is no longer on the server", reply.status);
    const blob = await reply.blob().catch(() => {
      throw unreachable();
    });
    return new File([blob], name, { type });
  }

  /** Resolves once the server answers, or `signal` is aborted. @param {AbortSignal} signal */
  async answers(signal) {
    for (;;) {
      await Promise.race([pause(1000), new Promise((back) => addEventListener("online", back, { once: true }))]);
      if (signal.aborted || (await fetch("/livez").catch(() => null))) return;
    }
  }

  /**
   * Submits a job, once for all requests with the same `once`. `onSent` gets the share that is sent.
   * @param {"video" | "image"} kind @param {FormData} form @param {(share: number) => void} onSent @param {AbortSignal} signal
   * @param {string} once @returns {Promise<{ jobId: string }>}
   */
  submit(kind, form, onSent, signal, once) {
    const headers = { authorization: this.headers.authorization, "idempotency-key": once };
    return this.#send("POST", `/api/v1/jobs/${kind}/remove-background`, { headers, body: form }, onSent, signal);
  }

  /**
   * Uploads a clip before its jobs. `onSent` gets the share that is sent.
   * @param {File} file @param {(share: number) => void} onSent @param {AbortSignal} signal
   * @returns {Promise<Upload>}
   */
  async upload(file, onSent, signal) {
    /** @type {{ storageId: string, uploadUrl: string }} */
    const { storageId, uploadUrl } = await this.#request("/uploads", { method: "POST", signal });
    const address = ownAddress(uploadUrl);
    await this.#send("PUT", address, { body: file }, onSent, signal);
    return { storageId, address };
  }

  /** Removes an upload, unless a job uses it. @param {Upload} upload */
  async removeUpload({ address }) {
    await fetch(address, { method: "DELETE" }).catch(() => {});
  }

  /**
   * The preview of one frame. Asks again a few times while the server is busy; null once `signal` is aborted.
   * @param {FormData} form @param {AbortSignal} signal @returns {Promise<Preview | null>}
   */
  async preview(form, signal) {
    for (let tries = 0; ; tries += 1) {
      try {
        const init = { method: "POST", headers: this.headers, body: form, signal };
        const reply = await fetch("/api/v1/video/remove-background/preview", init);
        const wait = Number(reply.headers.get("retry-after"));
        if (!wait || wait > 5 || tries === 4) return this.#dataOf(reply.status, await reply.text());
        await pause(1000 * wait);
      } catch (problem) {
        if (signal.aborted) return null;
        throw problem instanceof Problem ? problem : unreachable();
      }
      if (signal.aborted) return null;
    }
  }

  /** Whether the server has a neural model. */
  async hasModel() {
    const found = (await this.#ready())?.checks.find(({ name }) => name === "network");
    return found !== undefined && found.detail !== "none";
  }

  /** The formats that the server can write; null where it does not say so. */
  async formats() {
    return (await this.#ready())?.formats ?? null;
  }

  /** What the server says of itself; null if it does not answer. @returns {Promise<{ checks: { name: string, detail: string }[], formats?: string[] } | null>} */
  async #ready() {
    try {
      return (await (await fetch("/readyz")).json()).data;
    } catch {
      return null;
    }
  }

  /**
   * @param {string} method @param {string} address @param {{ headers?: Record<string, string>, body: FormData | File }} content
   * @param {(share: number) => void} onSent @param {AbortSignal} signal @returns {Promise<any>} the data of the reply
   */
  #send(method, address, { headers = {}, body }, onSent, signal) {
    // fetch does not report the progress of an upload.
    const request = new XMLHttpRequest();
    request.open(method, address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onSent(total ? loaded / total : 0);
    signal.addEventListener("abort", () => request.abort());
    return new Promise((accept, refuse) => {
      request.onload = () => {
        try {
          accept(this.#dataOf(request.status, request.responseText));
        } catch (problem) {
          refuse(problem);
        }
      };
      request.onerror = () => refuse(unreachable());
      request.onabort = () => refuse(new Problem("JOB_CANCELLED", "the upload was stopped"));
      if (signal.aborted) refuse(new Problem("JOB_CANCELLED", "the upload was stopped"));
      else request.send(body);
    });
  }

  /**
   * The job each time it changes, until it has ended. A stream that breaks off is resumed where it ended. `onLost` gets
   * true while the server does not answer, and false when it does again.
   * @param {string} id @param {AbortSignal} signal @param {(isLost: boolean) => void} onLost
   * @returns {AsyncGenerator<Job>}
   */
  async *follow(id, signal, onLost) {
    let last = "0";
    while (!signal.aborted) {
      try {
        const headers = { ...this.headers, "last-event-id": last };
        const reply = await fetch(`/api/v1/jobs/${id}/events`, { headers, signal });
        onLost(false);
        if (reply.status === 204) return;
        if (!reply.ok || !reply.body) this.#dataOf(reply.status, await reply.text());
        else
          for await (const event of events(reply.body)) {
            last = event.id ?? last;
            /** @type {Job} */
            const job = JSON.parse(event.data);
            yield job;
            if (job.status === "completed" || job.status === "failed") return;
          }
      } catch (problem) {
        if (signal.aborted) return;
        if (problem instanceof Problem && problem.status && problem.status < 500) throw problem;
        onLost(true);
      }
      await pause(1000);
    }
  }
}

/**
 * The events of a stream that hold data.
 * @param {ReadableStream<Uint8Array>} body @returns {AsyncGenerator<{ id?: string, data: string }>}
 */
async function* events(body) {
  const reader = body
    .pipeThrough(/** @type {ReadableWritablePair<string, any>} */ (new TextDecoderStream()))
    .getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (text + value).split(/\r?\n\r?\n/);
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const lines = block.split(/\r?\n/);
        const of = (/** @type {string} */ name) =>
          lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
        const data = of("data").join("\n");
        if (data) yield { id: of("id").at(-1), data };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
