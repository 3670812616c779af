// The form of a submit or a preview.
import type { Clip, CutOptions, PreviewOptions } from "./types.js";

/** The clip and the options as fields; options that are undefined are left out. */
export function formOf(clip: Clip, options: CutOptions & PreviewOptions): FormData {
  const form = new FormData();
  const { formats, hints, chromaKey, ...plain } = options;
  for (const [name, value] of Object.entries(plain)) if (value !== undefined) form.set(name, `${value}`);
  if (formats) form.set("formats", JSON.stringify(formats));
  if (hints) form.set("hints", JSON.stringify(hints));
  if (chromaKey !== undefined)
    form.set("chromaKey", typeof chromaKey === "string" ? chromaKey : JSON.stringify(chromaKey));
  // The clip comes last, so that the server can refuse a field before it has received the clip.
  if (clip instanceof Blob) form.set("file", clip);
  else if ("storageId" in clip) form.set("inputStorageId", clip.storageId);
  else form.set("url", `${clip.url}`);
  return form;
}
