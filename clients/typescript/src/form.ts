// The forms of requests.
import type { Clip } from "./types.js";

/** The clip or image and the options as fields; options that are undefined are left out. */
export function formOf(source: Clip, options: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(options))
    if (value !== undefined) form.set(name, typeof value === "object" ? JSON.stringify(value) : `${value}`);
  // The file comes last, so that the server can refuse a field before it has received the file.
  if (source instanceof Blob) form.set("file", source);
  else if ("storageId" in source) form.set("inputStorageId", source.storageId);
  else form.set("url", `${source.url}`);
  return form;
}
