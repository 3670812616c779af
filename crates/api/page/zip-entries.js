// The files in a ZIP, read one by one: from a file of the person, or from a link by ranges.
import { Problem, unreachable } from "./client.js";

/** Reads the bytes from `from` up to `to`. @typedef {(from: number, to: number) => Promise<ArrayBuffer>} ReadRange */
/** Reads a file of the ZIP. @typedef {() => Promise<Blob>} ReadEntry */

const [END, ENTRY] = [0x06054b50, 0x02014b50];
const [END_BYTES, ENTRY_BYTES, LOCAL_BYTES] = [22, 46, 30];
/** The end of a ZIP, with the longest comment that it may have. */
const TAIL_BYTES = END_BYTES + 0xffff;
const [STORED, DEFLATED] = [0, 8];
/** What stands for a size or a place beyond 4 GB. */
const BEYOND = 0xffffffff;

/** The files in a ZIP of `size` bytes, by their paths. @param {number} size @param {ReadRange} read @returns {Promise<Map<string, ReadEntry>>} */
export async function zipEntries(size, read) {
  const tail = new DataView(await read(Math.max(0, size - TAIL_BYTES), size));
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end -= 1;
  if (end < 0) throw unreadable();
  const [length, start] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  if (start === BEYOND || start + length > size) throw unreadable();
  const directory = new DataView(await read(start, start + length));
  const entries = new Map();
  for (let at = 0; at + ENTRY_BYTES <= length && directory.getUint32(at, true) === ENTRY; ) {
    const short = (/** @type {number} */ from) => directory.getUint16(at + from, true);
    const long = (/** @type {number} */ from) => directory.getUint32(at + from, true);
    const [method, bytes, place] = [short(10), long(20), long(42)];
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + ENTRY_BYTES, short(28)));
    entries.set(name, () => readEntry(read, method, bytes, place));
    at += ENTRY_BYTES + short(28) + short(30) + short(32);
  }
  return entries;
}

/** @param {ReadRange} read @param {number} method @param {number} bytes @param {number} place */
async function readEntry(read, method, bytes, place) {
  if (bytes === BEYOND || place === BEYOND || (method !== STORED && method !== DEFLATED)) throw unreadable();
  const local = new DataView(await read(place, place + LOCAL_BYTES));
  const start = place + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  const data = new Blob([await read(start, start + bytes)]);
  if (method === STORED) return data;
  return new Response(data.stream().pipeThrough(new DecompressionStream("deflate-raw"))).blob();
}

const unreadable = () => new Problem("UNKNOWN_ERROR", "The ZIP cannot be read here; download it to see its files");

/** Reads a file of the person. @param {Blob} file @returns {ReadRange} */
export const rangesOfFile = (file) => (from, to) => file.slice(from, to).arrayBuffer();

/** Reads what a link opens, which is new from time to time. @param {() => string} address @returns {ReadRange} */
export const rangesOfAddress = (address) => async (from, to) => {
  if (from === to) return new ArrayBuffer(0);
  const link = address();
  const reply = await fetch(link, { headers: { range: `bytes=${from}-${to - 1}` } }).catch(() => {
    // Another origin need not let the page read what it answers.
    throw new URL(link, location.href).origin === location.origin ? unreachable() : unreadable();
  });
  if (!reply.ok) throw new Problem("UNKNOWN_ERROR", "The link does not open any more", reply.status);
  const bytes = await reply.arrayBuffer();
  // A proxy may have dropped the range.
  return reply.status === 206 ? bytes : bytes.slice(from, to);
};
