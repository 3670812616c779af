// Images for the tests, and the pixels of those that a server makes. Both by ffmpeg, which is there in any case.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { sample } from "../server/harness.mjs";

const ffmpeg = (given, ...words) =>
  execFileSync("ffmpeg", ["-loglevel", "error", ...words, "pipe:1"], { input: given, maxBuffer: 1 << 28 });

/** A frame of the mascot before its pink background, 192 pixels wide and high, as `png`, `mjpeg` or `libwebp`. */
export const mascot = (codec = "png", size = "192:192") =>
  ffmpeg(
    Buffer.alloc(0),
    "-ss",
    "1",
    "-i",
    sample("mascot.mp4"),
    "-frames:v",
    "1",
    "-vf",
    `scale=${size}`,
    "-c:v",
    codec,
    "-q:v",
    codec === "mjpeg" ? "2" : "80",
    "-f",
    "image2pipe",
  );

/** An image of one color. */
export const plain = (color, size) =>
  ffmpeg(
    Buffer.alloc(0),
    "-f",
    "lavfi",
    "-i",
    `color=${color}:s=${size},format=rgba`,
    "-frames:v",
    "1",
    "-c:v",
    "png",
    "-f",
    "image2pipe",
  );

/** What kind of image the bytes are. */
export function kindOf(bytes) {
  if (bytes.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))) return "png";
  if (bytes.subarray(0, 3).equals(Buffer.from("\xff\xd8\xff", "latin1"))) return "jpeg";
  return bytes.subarray(8, 12).toString() === "WEBP" ? "webp" : "unknown";
}

/** The size of an image, and its pixels as red, green, blue and alpha. */
export function decode(bytes) {
  const kind = kindOf(bytes);
  const input = ["-f", { png: "png_pipe", jpeg: "jpeg_pipe", webp: "webp_pipe" }[kind], "-i", "pipe:0"];
  const words = ["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", ...input];
  const [width, height] = execFileSync("ffprobe", words, { input: bytes }).toString().trim().split(",").map(Number);
  const rgba = ffmpeg(bytes, ...input, "-f", "rawvideo", "-pix_fmt", "rgba");
  assert.equal(rgba.length, width * height * 4);
  return { kind, width, height, at: (x, y) => [...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)] };
}

/** Checks that `bytes` are the mascot without its background: opaque in the middle, clear in the corners. */
export function assertCut(bytes, side = 192) {
  const image = decode(bytes);
  assert.deepEqual([image.kind, image.width, image.height], ["png", side, side]);
  const last = side - 1;
  for (const [x, y] of [
    [0, 0],
    [last, 0],
    [0, last],
    [last, last],
  ]) {
    assert.equal(image.at(x, y)[3], 0, `the corner ${x},${y} is not clear`);
  }
  assert.equal(image.at(side / 2, side / 2)[3], 255, "the middle is not opaque");
}

/** Checks that a measured color is that of a pixel, and that its hexadecimal form is the same color. */
export function assertColor({ r, g, b, hex }, [red, green, blue]) {
  assert.ok(Math.max(Math.abs(r - red), Math.abs(g - green), Math.abs(b - blue)) <= 1, `${[r, g, b]}`);
  assert.equal(hex, `#${Buffer.from([r, g, b]).toString("hex").toUpperCase()}`);
}
