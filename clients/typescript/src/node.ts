// Files of Node: clips that are read as they are sent, outputs that are written as they arrive.
import { createWriteStream, openAsBlob } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { Clearcut } from "./client.js";
import type { FileFormat, RequestOptions } from "./types.js";

/** The clip or image at a path, under its name. Its bytes are read when it is sent, and not kept in memory. */
export async function openClip(path: string): Promise<File> {
  return new File([await openAsBlob(path)], basename(path));
}

/**
 * The files in a folder and in the folders in it, in the order of their paths, for `submitImages`. Hidden ones are left
 * out.
 */
export async function openFolder(path: string): Promise<File[]> {
  const isShown = (name: string) => !name.split(sep).some((part) => part.startsWith("."));
  const names = (await readdir(path, { recursive: true })).filter(isShown).sort();
  const open = async (name: string) => {
    const file = join(path, name);
    return (await stat(file)).isFile() ? [new File([await openAsBlob(file)], name.replaceAll(sep, "/"))] : [];
  };
  return (await Promise.all(names.map(open))).flat();
}

/** Downloads an output of a completed job to a path, where it appears when it is complete. */
export async function saveOutput(
  client: Clearcut,
  jobId: string,
  path: string,
  format?: FileFormat,
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
