// Files of Node: clips that are read as they are sent, outputs that are written as they arrive.
import { createWriteStream, openAsBlob } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { Clearcut } from "./client.js";
import type { OutputFormat, RequestOptions } from "./types.js";

/** The clip at a path, under its name. Its bytes are read when it is sent, and not kept in memory. */
export async function openClip(path: string): Promise<File> {
  return new File([await openAsBlob(path)], basename(path));
}

/** Downloads an output of a completed job to a path, where it appears when it is complete. */
export async function saveOutput(
  client: Clearcut,
  jobId: string,
  path: string,
  format?: OutputFormat,
  options: RequestOptions = {},
): Promise<void> {
  const reply = await client.openOutput(jobId, format, options);
  const part = `${path}.part`;
  try {
    await pipeline(Readable.fromWeb(reply.body as ReadableStream), createWriteStream(part));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
