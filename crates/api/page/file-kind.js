// Tells clips, images and ZIPs apart by their bytes: a PNG, GIF, WebP or AVIF is either, as it moves or not.

/** @typedef {"clip" | "image" | "zip"} Kind */

/** An animated PNG or WebP says so within so many bytes, unless what is written about it is very long. */
const HEAD_BYTES = 1 << 16;
/** The brands of HEIF files that hold images; a sequence of AVIF has `avis`. */
const STILL_BRANDS = new Set(["avif", "heic", "heix", "heim", "heis", "mif1"]);

/** What a file is. What is unknown is a clip, unless its type says image. @param {File} file @returns {Promise<Kind>} */
export async function kindOf(file) {
  const head = await bytesOf(file.slice(0, HEAD_BYTES));
  const text = (/** @type {number} */ from, /** @type {number} */ to) => String.fromCharCode(...head.slice(from, to));
  if (text(0, 4) === "PK\x03\x04") return "zip";
  if (text(0, 3) === "\xff\xd8\xff") return "image";
  if (text(0, 4) === "\x89PNG") return isAnimatedPng(head) ? "clip" : "image";
  if (/^GIF8[79]a$/.test(text(0, 6))) return isAnimatedGif(await bytesOf(file)) ? "clip" : "image";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") {
    const isAnimated = text(12, 16) === "VP8X" && (head[20] & 2) !== 0;
    return isAnimated ? "clip" : "image";
  }
  if (text(4, 8) === "ftyp") return STILL_BRANDS.has(text(8, 12)) ? "image" : "clip";
  return file.type.startsWith("image/") ? "image" : "clip";
}

/** @param {Blob} blob */
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

/** Whether there is an `acTL` chunk, which comes before the image data. @param {Uint8Array} png */
function isAnimatedPng(png) {
  const view = new DataView(png.buffer);
  for (let at = 8; at + 8 <= png.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...png.slice(at + 4, at + 8));
    if (name === "acTL") return at + 12 <= png.length && view.getUint32(at + 8) > 1;
    if (name === "IDAT") return false;
  }
  return false;
}

/** Whether there are two images. @param {Uint8Array} gif */
function isAnimatedGif(gif) {
  const tableBytes = (/** @type {number} */ flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const [EXTENSION, IMAGE] = [0x21, 0x2c];
  let images = 0;
  let at = 13 + tableBytes(gif[10]);
  while (gif[at] === EXTENSION || gif[at] === IMAGE) {
    if (gif[at] === IMAGE) {
      images += 1;
      if (images === 2) return true;
      at += 11 + tableBytes(gif[at + 9]);
    } else at += 2;
    // The data, in blocks that begin with their length.
    while (gif[at]) at += 1 + gif[at];
    at += 1;
  }
  return false;
}
