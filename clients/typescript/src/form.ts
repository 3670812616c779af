// The forms of requests.
import type { Clip, Images } from "./types.js";

/** The clip or the images and the options as fields; options that are undefined are left out. */
export function formOf(source: Clip | Images, options: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(options))
    if (value !== undefined) form.set(name, typeof value === "object" ? JSON.stringify(value) : `${value}`);
  if (typeof source === "string")
    throw new TypeError("a text is no file; use openClip(path) of clearcut-client/node, or { url }");
  // The files come last, so that the server can refuse a field before it has received them.
  if (source instanceof Blob) form.set("file", source);
  else if (Array.isArray(source)) for (const blob of source) form.append("file", blob);
  else if ("storageId" in source) form.set("inputStorageId", source.storageId);
  else form.set("url", `${source.url}`);
  return form;
}
