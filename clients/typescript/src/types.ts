// The vocabulary of the API: generated types under short names, and the options of a cut.
import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** A job: its state, and its result or error once it has ended. */
export type Job = Schemas["Job"];
/** The result of a completed job. */
export type JobResult = Schemas["JobResult"];
/** Why a job failed. */
export type JobError = Schemas["JobError"];
/** One image of a job of images: its cut, or why it has none. */
export type JobImage = Schemas["JobImage"];
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

/** What is told about the cut of an image. */
export type ImageCutInfo = Schemas["ImageCut"];
/** The background color of an image. */
export type DetectedBackground = Schemas["DetectedBackground"];
/** What is told about a scaled image. */
export type ScaledImageInfo = Schemas["ScaledImage"];
/** What is told about an emoticon pack. */
export type EmoticonPackInfo = Schemas["EmoticonPack"];

/** An output format; all but `mp4` are transparent without a background. */
export type OutputFormat =
  | "webm"
  | "stacked-alpha"
  | "mp4"
  | "webp"
  | "apng"
  | "gif"
  | "mov"
  | "hevc-alpha"
  | "png-sequence"
  | "sprite-sheet"
  | "matte"
  | "foreground"
  | "poster";

/** A format of an output: that of a clip, a PNG of one image, or a ZIP of PNGs of several. */
export type FileFormat = Schemas["FileFormat"];

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
  /** Part of the clip, as `START,END` in seconds or `hh:mm:ss.mmm`; either may be empty. Default: all of it. */
  trim?: string;
  /**
   * Part of the frame: `X,Y,WIDTH,HEIGHT` in even pixels, a shape such as `16:9`, `auto` for the subject, or
   * `auto:1:1` for a shape around it. Default: all of it.
   */
  crop?: string;
}

/** The options of a job. */
export interface CutOptions extends MatteOptions {
  /** Default: `["webm", "stacked-alpha"]`. */
  formats?: OutputFormat[];
  /**
   * What is put behind the subject: `#RRGGBB`, `blur`, or the URL or the `storageId` of an image or a video. The default
   * format is then `mp4`. Default: none.
   */
  background?: string;
  /** What the file is for: sets format, size, rate and quality, and keeps the platform's limit of bytes. */
  preset?: Schemas["Preset"];
  /** Largest length of each output in bytes, or as `256KB`: of `webm`, `webp`, `apng` and `gif`. */
  maxBytes?: number | string;
  /** Frames per second, 1–60, or those of the clip. Default: 24. */
  fps?: number | "source";
  /** The sound, in the formats that carry it. Default: `keep`. */
  audio?: "keep" | "drop";
  /** How much faster than the clip the outputs play, 0.25–4; the sound follows with its pitch. Default: 1. */
  tempo?: number;
  /** Forth and back, without sound; or the part whose end leads back to its beginning best. */
  loop?: "boomerang" | "seamless";
  /** Longer side in pixels, 64–2048; not with `width` or `height`. Default: that of the clip. */
  size?: number;
  /** Width in pixels, 64–2048. Alone, the height follows. */
  width?: number;
  /** Height in pixels, 64–2048. Alone, the width follows. */
  height?: number;
  /** With both: the whole frame, cropped to exactly that size, or with clear margins. Default: `contain`. */
  fit?: "contain" | "cover" | "pad";
  /** Color of the page that a `gif` is made for: the soft edges of the subject are mixed with it. Default: none. */
  edgeColor?: string;
  /** Image quality of `webp`, `apng` and `gif`, 0–100. Default: 60. */
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

/** An image: its bytes, an upload, or an address that the server fetches. JPEG, PNG, WebP, GIF, AVIF or HEIC. */
export type ImageSource = Clip;

/** The options of the cut of an image. */
export interface ImageCutOptions {
  /** Default: `ai`; on a server without a neural model, `auto`. */
  method?: "auto" | "chroma" | "ai";
  /** Background color, as `#RRGGBB` or its components. Implies `chroma`. Default: measured. */
  chromaKey?: string | { r: number; g: number; b: number };
  /** How far a color may differ from the background color, 0–100. Default: 20. */
  tolerance?: number;
  /** Whether pixels at the edge of the subject are translucent. Default: true. */
  smoothEdges?: boolean;
  /** Shadows on the background. Default: `keep`. */
  shadow?: "keep" | "drop";
}

/** Images of a job: up to 500, or one image or ZIP of images in one of the ways of a clip. */
export type Images = ImageSource | Blob[];

/** The options of a job of images. */
export interface ImageJobOptions extends ImageCutOptions {
  /** Name of the images, after which the download is named. Default: the name of the file, if there is only one. */
  clipName?: string;
  /** Address that is told of the job's start and end. */
  webhookUrl?: string;
}

/** An image without its background. */
export interface ImageCut extends ImageCutInfo {
  /** The cut, with straight alpha, as large as the image. */
  png: Blob;
}

/** Width, height and fit of a scaled image, and its file. */
export interface ResizeOptions {
  /** In pixels. Default: as it follows from the height. Without both, the image keeps its size. */
  width?: number;
  /** In pixels. Default: as it follows from the width. */
  height?: number;
  /** How the image fits into width and height, if both are given. Default: `cover`, which crops it. */
  fit?: Schemas["ImageFit"];
  /** Default: `jpeg`, in which what was transparent is white. */
  format?: Schemas["ImageFormat"];
  /** Quality of JPEG and WebP, 1–100. Default: 80. */
  quality?: number;
}

/** The size of a thumbnail. */
export interface ThumbnailOptions {
  /** A square of 150, 300 or 600 pixels. Default: `medium`. */
  size?: Schemas["ThumbnailSize"];
  /** Width in pixels, instead of `size`. */
  width?: number;
  /** Height in pixels, instead of `size`. */
  height?: number;
  /** Quality of JPEG and WebP, 1–100. Default: 60. */
  quality?: number;
}

/** A scaled image. */
export interface ScaledImage extends ScaledImageInfo {
  /** The image as a file; its `type` is that of its format. */
  blob: Blob;
}

/** Which emoticons to make. */
export interface EmoticonOptions {
  /** Sides in pixels, 1–1024, at most 16. Default: 16, 24, 32, 48, 64, 96, 128 and 256. */
  sizes?: number[];
}

/** An emoticon: a square in one size, as two files. */
export interface Emoticon {
  /** Side in pixels. */
  size: number;
  png: Blob;
  webp: Blob;
}

/** Emoticons, in the order of the sizes. */
export interface EmoticonPack extends Omit<EmoticonPackInfo, "sizes"> {
  sizes: Emoticon[];
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
