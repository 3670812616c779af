// A still picture as a clip: the API cuts clips, so a preview sends its frame twice, as an animated PNG.

const SIGNATURE_BYTES = 8;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** The checksum of PNG. @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff];
  return ~crc >>> 0;
}

/** @param {string} type @param {...Uint8Array} parts */
function chunk(type, ...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  bytes.set(new TextEncoder().encode(type), 4);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(at, crc32(bytes.subarray(4, at)));
  return bytes;
}

/** Numbers of four bytes. @param {...number} values */
function words(...values) {
  const bytes = new Uint8Array(values.length * 4);
  for (const [index, value] of values.entries()) new DataView(bytes.buffer).setUint32(index * 4, value);
  return bytes;
}

/** @param {Uint8Array} png @returns {{ header: Uint8Array, data: Uint8Array[] }} the contents of IHDR and of each IDAT */
function read(png) {
  const view = new DataView(png.buffer, png.byteOffset);
  /** @type {Uint8Array} */
  let header = new Uint8Array();
  const data = [];
  for (let at = SIGNATURE_BYTES; at < png.length; ) {
    const length = view.getUint32(at);
    const type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    const content = png.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") header = content;
    if (type === "IDAT") data.push(content);
    at += length + 12;
  }
  return { header, data };
}

/** @param {Blob} picture a PNG @returns {Promise<Blob>} a clip that shows it for two frames */
export async function stillClip(picture) {
  const png = new Uint8Array(await picture.arrayBuffer());
  const { header, data } = read(png);
  // Size at the origin for a tenth of a second, no disposal, no blending.
  const control = (/** @type {number} */ sequence) =>
    chunk("fcTL", words(sequence), header.subarray(0, 8), words(0, 0, (1 << 16) | 10), new Uint8Array(2));
  const again = data.map((content, index) => chunk("fdAT", words(index + 2), content));
  const chunks = [
    png.subarray(0, SIGNATURE_BYTES),
    chunk("IHDR", header),
    chunk("acTL", words(2, 0)),
    control(0),
    ...data.map((content) => chunk("IDAT", content)),
    control(1),
    ...again,
    chunk("IEND"),
  ];
  return new Blob(/** @type {BlobPart[]} */ (chunks), { type: "image/apng" });
}
