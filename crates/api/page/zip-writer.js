// Makes a ZIP of files without compression: what clips are cut to is compressed already.

const [LOCAL, ENTRY, END] = [0x04034b50, 0x02014b50, 0x06054b50];
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** The first of January 1980: the time of a file does not matter. */
const DATE = 0x21;

/** The checksum of a byte, as CRC-32 has it. */
const CHECKSUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** The CRC-32 of a file. @param {Blob} blob */
async function checksumOf(blob) {
  let sum = 0xffffffff;
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ~sum >>> 0;
    for (const byte of value) sum = CHECKSUMS[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  }
}

/** Little-endian numbers, each with its bytes: 2 or 4. @param {[value: number, bytes: 2 | 4][]} fields */
function packed(fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [, bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [value, bytes] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return view.buffer;
}

/** A ZIP of `files`, of less than 4 GB together. @param {{ name: string, blob: Blob }[]} files @returns {Promise<Blob>} */
export async function zipOf(files) {
  const [parts, directory] = [/** @type {BlobPart[]} */ ([]), /** @type {BlobPart[]} */ ([])];
  let place = 0;
  let directoryBytes = 0;
  for (const { name, blob } of files) {
    const text = new TextEncoder().encode(name);
    /** @type {[number, 2 | 4][]} */
    const common = [
      [VERSION, 2],
      [FLAGS, 2],
      [0, 2],
      [0, 2],
      [DATE, 2],
      [await checksumOf(blob), 4],
      [blob.size, 4],
      [blob.size, 4],
      [text.length, 2],
      [0, 2],
    ];
    const local = packed([[LOCAL, 4], ...common]);
    parts.push(local, text, blob);
    const entry = packed([[ENTRY, 4], [VERSION, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [place, 4]]);
    directory.push(entry, text);
    place += local.byteLength + text.length + blob.size;
    directoryBytes += entry.byteLength + text.length;
  }
  const count = files.length;
  const end = packed([
    [END, 4],
    [0, 2],
    [0, 2],
    [count, 2],
    [count, 2],
    [directoryBytes, 4],
    [place, 4],
    [0, 2],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
