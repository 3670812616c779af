// The client: one method for each thing that a server does.
import { ClearcutError, JobFailedError } from "./errors.js";
import { serverSentEvents } from "./events.js";
import { formOf } from "./form.js";
import { type Connection, Transport } from "./transport.js";
import type {
  BegunUpload,
  Clip,
  CutOptions,
  DetectedBackground,
  EmoticonOptions,
  EmoticonPack,
  EmoticonPackInfo,
  FileFormat,
  ImageCut,
  ImageCutInfo,
  ImageCutOptions,
  ImageJobOptions,
  ImageSource,
  Images,
  Job,
  JobPage,
  ListOptions,
  NewWebhook,
  Preview,
  PreviewInfo,
  PreviewOptions,
  RequestOptions,
  ResizeOptions,
  ScaledImage,
  ScaledImageInfo,
  SubmitOptions,
  Submitted,
  ThumbnailOptions,
  Uploaded,
  Usage,
  WaitOptions,
  Webhook,
} from "./types.js";

/** Seconds that one request for a job waits for its end. */
const POLL_SECONDS = 20;
/** Pause after a poll that failed because of the network, in milliseconds. */
const PAUSE_MS = 1000;
/** Polls that may fail one after the other. */
const MAX_FAILED_POLLS = 10;

/** A client of one server, with one API key. */
export class Clearcut {
  readonly #transport: Transport;

  constructor(connection: Connection) {
    this.#transport = new Transport(connection);
  }

  /** Submits a clip. It is accepted, and on the server's disk, when this returns. */
  async submit(clip: Clip, options: CutOptions = {}, submit: SubmitOptions = {}): Promise<Submitted> {
    return await this.#submit("video", formOf(clip, options), submit);
  }

  /**
   * Submits images, which one job cuts: up to 500, or a ZIP of them. Its output is a PNG, or a ZIP of PNGs, and its
   * result lists what became of each image.
   */
  async submitImages(images: Images, options: ImageJobOptions = {}, submit: SubmitOptions = {}): Promise<Submitted> {
    return await this.#submit("image", formOf(images, options), submit);
  }

  /** Reads a job, with fresh links to its outputs. */
  async job(jobId: string, { signal }: RequestOptions = {}): Promise<Job> {
    return await this.#transport.call(pathOf(jobId), { signal });
  }

  /** The job now and after each of its changes, until it has ended: by server-sent events, by polling if they do not come through. */
  async *follow(jobId: string, { signal }: RequestOptions = {}): AsyncGenerator<Job, void> {
    let revision = -1;
    for await (const job of this.#changes(jobId, signal)) {
      if (job.revision > revision) yield job;
      revision = Math.max(revision, job.revision);
    }
  }

  /** Waits for the end of a job. Throws a `JobFailedError` if it failed. */
  async wait(jobId: string, { onProgress, signal }: WaitOptions = {}): Promise<Job> {
    let last: Job | undefined;
    for await (const job of this.follow(jobId, signal ? { signal } : {})) {
      last = job;
      onProgress?.(job);
    }
    if (last?.status !== "completed") throw new JobFailedError(last ?? (await this.job(jobId)));
    return last;
  }

  /** Downloads an output of a completed job; the first, unless a format is named. */
  async download(jobId: string, format?: FileFormat, options: RequestOptions = {}): Promise<Blob> {
    return await (await this.openOutput(jobId, format, options)).blob();
  }

  /** Like `download`, but as a reply whose body is a stream. */
  async openOutput(jobId: string, format?: FileFormat, { signal }: RequestOptions = {}): Promise<Response> {
    const job = await this.job(jobId, signal ? { signal } : {});
    if (job.status === "failed") throw new JobFailedError(job);
    const output = job.result?.outputs.find((output) => format === undefined || output.format === format);
    if (!output) throw new RangeError(job.result ? `the job has no output ${format}` : `the job is ${job.status}`);
    return await this.#transport.fetchUrl(output.url, signal ? { signal } : {});
  }

  /** A page of the jobs of this API key, newest first. */
  async list(
    { createdAfter, createdBefore, ...query }: ListOptions = {},
    { signal }: RequestOptions = {},
  ): Promise<JobPage> {
    const [after, before] = [createdAfter, createdBefore].map((date) => date && Math.floor(date.getTime() / 1000));
    const filters = { ...query, createdAfter: after, createdBefore: before };
    return await this.#transport.call("/api/v1/jobs", { query: filters, signal });
  }

  /** All jobs of this API key, newest first; pages are read as they are needed. */
  async *jobs(options: ListOptions = {}, request: RequestOptions = {}): AsyncGenerator<Job, void> {
    let cursor = options.cursor;
    do {
      const page: JobPage = await this.list({ ...options, ...(cursor !== undefined && { cursor }) }, request);
      yield* page.jobs;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** Ends a job that waits or runs, as failed with `JOB_CANCELLED`. A job that has ended stays as it is. */
  async cancel(jobId: string, { signal }: RequestOptions = {}): Promise<Job> {
    return await this.#transport.call(`${pathOf(jobId)}/cancel`, { method: "POST", signal });
  }

  /** Starts a new job with the clip and the options of a failed one. */
  async retry(jobId: string, { signal }: RequestOptions = {}): Promise<Submitted> {
    return await this.#transport.call(`${pathOf(jobId)}/retry`, { method: "POST", signal });
  }

  /** Removes a job with its files. */
  async remove(jobId: string, { signal }: RequestOptions = {}): Promise<void> {
    await this.#transport.call(pathOf(jobId), { method: "DELETE", signal });
  }

  /** Cuts one frame, without a job. The clip is a blob or an upload. */
  async preview(
    clip: Blob | { storageId: string },
    options: PreviewOptions = {},
    { signal }: RequestOptions = {},
  ): Promise<Preview> {
    const call = { method: "POST", body: formOf(clip, options), signal };
    const info = await this.#transport.call<PreviewInfo>("/api/v1/video/remove-background/preview", call);
    return { ...info, png: await blobOf(info.url) };
  }

  /** Removes the background of an image, without a job. */
  async removeImageBackground(
    image: ImageSource,
    options: ImageCutOptions = {},
    { signal }: RequestOptions = {},
  ): Promise<ImageCut> {
    const info = await this.#ofImage<ImageCutInfo>("remove-background", image, options, signal);
    return { ...info, png: await blobOf(info.url) };
  }

  /** Measures the background color of an image. Throws `NO_FLAT_BACKGROUND` if it has none. */
  async detectBackgroundColor(image: ImageSource, { signal }: RequestOptions = {}): Promise<DetectedBackground> {
    return await this.#ofImage("detect-background-color", image, {}, signal);
  }

  /** Scales an image, and encodes it upright and in sRGB. */
  async resizeImage(
    image: ImageSource,
    options: ResizeOptions = {},
    { signal }: RequestOptions = {},
  ): Promise<ScaledImage> {
    const info = await this.#ofImage<ScaledImageInfo>("resize", image, options, signal);
    return { ...info, blob: await blobOf(info.url) };
  }

  /** Makes a thumbnail of an image, in the format of the image if that is JPEG, PNG or WebP. */
  async thumbnail(
    image: ImageSource,
    options: ThumbnailOptions = {},
    { signal }: RequestOptions = {},
  ): Promise<ScaledImage> {
    const info = await this.#ofImage<ScaledImageInfo>("thumbnail", image, options, signal);
    return { ...info, blob: await blobOf(info.url) };
  }

  /** Makes emoticons of an image: in each size a PNG and a WebP, in the order of the sizes. */
  async emoticons(
    image: ImageSource,
    options: EmoticonOptions = {},
    { signal }: RequestOptions = {},
  ): Promise<EmoticonPack> {
    const pack = await this.#ofImage<EmoticonPackInfo>("emoticon", image, options, signal);
    const filesOf = async ({ size, png, webp }: EmoticonPackInfo["sizes"][number]) => ({
      size,
      png: await blobOf(png.dataUrl),
      webp: await blobOf(webp.dataUrl),
    });
    return { ...pack, sizes: await Promise.all(pack.sizes.map(filesOf)) };
  }

  /** The same emoticons as a ZIP: `png/emoticon-16px.png`, `webp/emoticon-16px.webp` and so on. */
  async emoticonZip(image: ImageSource, options: EmoticonOptions = {}, { signal }: RequestOptions = {}): Promise<Blob> {
    const call = { method: "POST", body: formOf(image, options), signal };
    return await (await this.#transport.send("/api/v1/image/emoticon/zip", call)).blob();
  }

  /** Sends a clip before its jobs and previews; pass the result as their clip. */
  async upload(clip: Blob, { signal }: RequestOptions = {}): Promise<Uploaded> {
    const { uploadUrl } = await this.beginUpload(signal ? { signal } : {});
    const sent = await this.#transport.fetchUrl(uploadUrl, { method: "PUT", body: clip, ...(signal && { signal }) });
    return ((await sent.json()) as { data: Uploaded }).data;
  }

  /** Begins an upload. Its `uploadUrl` needs no API key, so a browser can send the clip there, with `PUT` or by tus. */
  async beginUpload({ signal }: RequestOptions = {}): Promise<BegunUpload> {
    return await this.#transport.call("/api/v1/uploads", { method: "POST", signal });
  }

  /** What the jobs of this API key used, by day. Days are `2026-11-30`, in UTC. */
  async usage(days: { from?: string; to?: string } = {}, { signal }: RequestOptions = {}): Promise<Usage> {
    return await this.#transport.call("/api/v1/usage", { query: { ...days }, signal });
  }

  /** The secret that verifies events sent to the `webhookUrl` of jobs. */
  async webhookSecret({ signal }: RequestOptions = {}): Promise<string> {
    return (await this.#transport.call<{ secret: string }>("/api/v1/webhooks/secret", { signal })).secret;
  }

  /** Creates an endpoint that is told of all jobs of this API key. */
  async createWebhook(
    webhook: { url: string; events?: ("job.started" | "job.completed" | "job.failed")[]; description?: string },
    { signal }: RequestOptions = {},
  ): Promise<NewWebhook> {
    return await this.#transport.call("/api/v1/webhooks", { method: "POST", json: webhook, signal });
  }

  /** The endpoints of this API key. */
  async webhooks({ signal }: RequestOptions = {}): Promise<Webhook[]> {
    return (await this.#transport.call<{ webhooks: Webhook[] }>("/api/v1/webhooks", { signal })).webhooks;
  }

  /** Sends a test event to an endpoint. */
  async testWebhook(webhookId: string, { signal }: RequestOptions = {}): Promise<void> {
    const path = `/api/v1/webhooks/${encodeURIComponent(webhookId)}/test`;
    await this.#transport.call(path, { method: "POST", signal });
  }

  /** Deletes an endpoint. */
  async removeWebhook(webhookId: string, { signal }: RequestOptions = {}): Promise<void> {
    const path = `/api/v1/webhooks/${encodeURIComponent(webhookId)}`;
    await this.#transport.call(path, { method: "DELETE", signal });
  }

  async #submit(kind: string, body: FormData, { idempotencyKey, signal }: SubmitOptions): Promise<Submitted> {
    const headers = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
    return await this.#transport.call(`/api/v1/jobs/${kind}/remove-background`, {
      method: "POST",
      body,
      headers,
      signal,
    });
  }

  async #ofImage<T>(route: string, image: ImageSource, options: object, signal: AbortSignal | undefined): Promise<T> {
    const call = { method: "POST", body: formOf(image, options), signal };
    return await this.#transport.call(`/api/v1/image/${route}`, call);
  }

  async *#changes(jobId: string, signal: AbortSignal | undefined): AsyncGenerator<Job, void> {
    try {
      const headers = { accept: "text/event-stream" };
      const reply = await this.#transport.send(`${pathOf(jobId)}/events`, { headers, signal });
      for await (const { data } of serverSentEvents(reply)) {
        const job = JSON.parse(data) as Job;
        yield job;
        if (hasEnded(job)) return;
      }
    } catch (error) {
      if (signal?.aborted || !isPassing(error)) throw error;
    }
    // The stream broke off, or something on the way holds it back.
    for (let failed = 0; ; ) {
      try {
        const job = await this.#transport.call<Job>(pathOf(jobId), { query: { wait: POLL_SECONDS }, signal });
        failed = 0;
        yield job;
        if (hasEnded(job)) return;
      } catch (error) {
        failed += 1;
        if (signal?.aborted || !isPassing(error) || failed > MAX_FAILED_POLLS) throw error;
        const seconds = error instanceof ClearcutError ? error.retryAfter : undefined;
        await pause(seconds === undefined ? PAUSE_MS : seconds * 1000, signal);
      }
    }
  }
}

/** The file that a data URL has. */
const blobOf = async (dataUrl: string) => await (await fetch(dataUrl)).blob();

const pathOf = (jobId: string) => `/api/v1/jobs/${encodeURIComponent(jobId)}`;

const hasEnded = ({ status }: Job) => status === "completed" || status === "failed";

/** Whether a later attempt may succeed: the network failed, or the server is busy. */
const isPassing = (error: unknown) => !(error instanceof ClearcutError) || error.status === 429 || error.status >= 500;

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resume, fail) => {
    const abort = () => {
      clearTimeout(timer);
      fail(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resume();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
