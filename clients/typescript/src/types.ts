// The vocabulary of the API: generated types under short names, and the options of a cut.
import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** A job: its state, and its result or error once it has ended. */
export type Job = Schemas["Job"];
/** The result of a completed job. */
export type JobResult = Schemas["JobResult"];
/** Why a job failed. */
export type JobError = Schemas["JobError"];
/** One output of a job. */
export type Output = Schemas["Output"];
/** An accepted job. */
export type Submitted = Schemas["Submitted"];
/** A page of jobs, newest first. */
export type JobPage = Schemas["Page"];
/** What a preview tells about its frame. */
export type PreviewInfo = Schemas["Preview"];
/** An upload that has begun: its id, and the address to send the clip to. */
export type BegunUpload = Schemas["BegunUpload"];
/** A finished upload. */
export type Uploaded = Schemas["Uploaded"];
/** Jobs, frames, bytes and processing time by day. */
export type Usage = Schemas["Usage"];
/** An endpoint that receives the events of jobs. */
export type Webhook = Schemas["Webhook"];
/** A new endpoint, with the secret that verifies its events. */
export type NewWebhook = Schemas["WebhookMade"];

/** A transparent output format. */
export type OutputFormat = "webm" | "stacked-alpha" | "webp" | "apng" | "mov";

/** A region that is subject (keep) or background (remove), as shares of the frame, 0–1; a box if it has width and height. */
export interface Hint {
  /** Time of the frame in seconds. */
  time: number;
  x: number;
  y: number;
  width?: number;
  height?: number;
  kind: "keep" | "remove";
}

/** How subject and background are told apart. */
export interface MatteOptions {
  /** Default: `auto`, by color if the background is flat, otherwise by a neural model. */
  method?: "auto" | "chroma" | "ai";
  /** Background color, as `#RRGGBB` or its components. Default: measured. */
  chromaKey?: string | { r: number; g: number; b: number };
  /** How far a color may differ from the background color, 0–100. Default: 30. */
  tolerance?: number;
  /** Shadows on the background. Default: `keep`. */
  shadow?: "keep" | "drop";
  /** Default: `auto`. */
  deinterlace?: "auto" | "on" | "off";
  /** At most 32. */
  hints?: Hint[];
}

/** The options of a job. */
export interface CutOptions extends MatteOptions {
  /** Default: `["webm", "stacked-alpha"]`. */
  formats?: OutputFormat[];
  /** Frames per second, 1–60, or those of the clip. Default: 24. */
  fps?: number | "source";
  /** Longer side in pixels, 64–2048. Default: that of the clip. */
  size?: number;
  /** Image quality of `webp` and `apng`, 0–100. Default: 60. */
  quality?: number;
  /** Name of the clip, after which downloads are named. Default: the name of the file. */
  clipName?: string;
  /** Address that is told of the job's start and end. */
  webhookUrl?: string;
}

/** The options of a preview. */
export interface PreviewOptions extends MatteOptions {
  /** Time of the frame in seconds. Default: 0. */
  time?: number;
  /** Longer side in pixels, 64–2048. Default: 640. */
  size?: number;
}

/** A clip: its bytes, an upload, or an address that the server fetches. */
export type Clip = Blob | { storageId: string } | { url: string | URL };

/** A preview: one frame of the cut. */
export interface Preview extends PreviewInfo {
  /** The frame, with straight alpha. */
  png: Blob;
}

/** Which jobs to list. */
export interface ListOptions {
  status?: "queued" | "submitted" | "processing" | "completed" | "failed";
  /** Only jobs that are newer. */
  createdAfter?: Date;
  /** Only jobs that are older. */
  createdBefore?: Date;
  /** Jobs in a page, 1–100. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}

/** Options of every request. */
export interface RequestOptions {
  /** Ends the request. */
  signal?: AbortSignal;
}

/** Options of a submit. */
export interface SubmitOptions extends RequestOptions {
  /** Makes the submit safe to repeat: within a day, the same key and request name the same job. */
  idempotencyKey?: string;
}

/** Options of `wait`. */
export interface WaitOptions extends RequestOptions {
  /** Is told of each change of the job. */
  onProgress?: (job: Job) => void;
}
