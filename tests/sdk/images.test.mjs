// Every image method of the official SDK, unmodified from npm, and the files that come back.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import * as sdk from "@hypervideo-dev/sdk";

import { startServer } from "../server/harness.mjs";
import { assertColor, assertCut, decode, kindOf, mascot, plain } from "./pictures.mjs";

const { Hypervideo, HypervideoError } = sdk.default ?? sdk;

let server;
let client;
const image = mascot();

before(async () => {
  // Without a model, whichever this machine has.
  server = await startServer(["--allow-private-networks", "127.0.0.0/8", "--models", "no-models"]);
  client = new Hypervideo({ apiKey: server.key, baseUrl: server.baseUrl });
});

after(() => server?.stop());

const bytesOf = async (url) => Buffer.from(await Hypervideo.dataUrlToBlob(url).arrayBuffer());

const rejection = (promise) =>
  promise.then(
    () => assert.fail("it was accepted"),
    (error) => error,
  );

test("removeBackground hands back a PNG without the background", async () => {
  for (const options of [
    { file: image },
    { file: new Blob([mascot("mjpeg")]), method: "chroma", tolerance: 20, smoothEdges: true },
    { file: image, chromaKey: { r: 233, g: 47, b: 188 }, edgeSampleSize: 50 },
  ]) {
    const cut = await client.image.removeBackground(options);
    const png = await bytesOf(cut.url);
    assert.equal(png.length, cut.size);
    assert.deepEqual([cut.format, cut.width, cut.height, cut.method], ["png", 192, 192, "chroma"]);
    assert.match(cut.detectedBackgroundColor.hex, /^#[0-9A-F]{6}$/);
    assert.ok(Number.isInteger(cut.processingTime));
    assertCut(png);
  }
});

test("smoothEdges: false leaves no translucent pixel", async () => {
  const levels = async (smoothEdges) => {
    const cut = await client.image.removeBackground({ file: image, smoothEdges });
    const { at, width, height } = decode(await bytesOf(cut.url));
    const alphas = Array.from({ length: width * height }, (_, n) => at(n % width, Math.floor(n / width))[3]);
    return new Set(alphas).size;
  };
  assert.equal(await levels(false), 2);
  assert.ok((await levels(true)) > 2);
});

test("a field without effect is named in the reply", async () => {
  const cut = await client.image.removeBackground({ file: image, edgeSampleSize: 50, tolerence: 5 });
  assert.deepEqual(cut.warnings.map((warning) => warning.field).sort(), ["edgeSampleSize", "tolerence"]);
});

test("detectBackgroundColor names the color of the border", async () => {
  const file = plain("0x2060a0", "64x48");
  const { backgroundColor, hex } = await client.image.detectBackgroundColor({ file });
  assertColor({ ...backgroundColor, hex }, decode(file).at(0, 0));
});

test("resize has each fit, and each format is what it says", async () => {
  const file = plain("0x2060a0", "120x60");
  const sizes = { cover: [40, 40], contain: [40, 40], fill: [40, 40], inside: [40, 20], outside: [80, 40] };
  for (const [fit, [width, height]] of Object.entries(sizes)) {
    const scaled = await client.image.resize({ file, width: 40, height: 40, fit, format: "png" });
    assert.deepEqual([scaled.width, scaled.height], [width, height], fit);
    const found = decode(await bytesOf(scaled.url));
    assert.deepEqual([found.width, found.height], [width, height], fit);
    assert.equal(found.at(20, 0)[3], fit === "contain" ? 0 : 255, fit);
  }
  for (const format of ["jpeg", "png", "webp"]) {
    const scaled = await client.image.resize({ file, width: 30, format, quality: 85 });
    assert.deepEqual([scaled.format, scaled.width, scaled.height], [format, 30, 15]);
    assert.equal(sdk.extractMimeType(scaled.url), `image/${format}`);
    const found = await bytesOf(scaled.url);
    assert.deepEqual([kindOf(found), found.length], [format, scaled.size]);
    const [red, green, blue] = decode(found).at(15, 7);
    assert.ok(Math.abs(red - 32) + Math.abs(green - 96) + Math.abs(blue - 160) < 12, `${[red, green, blue]}`);
  }
  assert.equal((await client.image.resize({ file })).format, "jpeg");
});

test("a thumbnail is a square of the preset, or of its own width and height", async () => {
  for (const [size, side] of Object.entries({ small: 150, medium: 300, large: 600 })) {
    const thumbnail = await client.image.thumbnail({ file: image, size });
    assert.deepEqual([thumbnail.width, thumbnail.height, thumbnail.format], [side, side, "png"]);
    assert.equal(decode(await bytesOf(thumbnail.url)).width, side);
  }
  const thumbnail = await client.image.thumbnail({ file: mascot("mjpeg"), width: 80, height: 40, quality: 60 });
  assert.deepEqual([thumbnail.width, thumbnail.height, thumbnail.format], [80, 40, "jpeg"]);
});

test("an emoticon pack has each size as PNG and WebP, and the ZIP the same files", async () => {
  const pack = await client.image.emoticon({ file: image, sizes: [32, 64] });
  assert.deepEqual(
    pack.sizes.map(({ size }) => size),
    [32, 64],
  );
  for (const { size, png, webp } of pack.sizes) {
    for (const [kind, { dataUrl, size: bytes }] of Object.entries({ png, webp })) {
      const found = await bytesOf(dataUrl);
      assert.equal(found.length, bytes);
      const { kind: is, width, height } = decode(found);
      assert.deepEqual([is, width, height], [kind, size, size]);
    }
  }
  assert.equal(pack.totalPngSize, pack.sizes[0].png.size + pack.sizes[1].png.size);
  assert.equal(pack.totalWebpSize, pack.sizes[0].webp.size + pack.sizes[1].webp.size);

  const archive = await client.image.emoticonZip({ file: image });
  assert.equal(archive.type, "application/zip");
  const folder = await mkdtemp(join(tmpdir(), "clearcut-zip-"));
  await writeFile(join(folder, "emoticons.zip"), Buffer.from(await archive.arrayBuffer()));
  const names = execFileSync("python3", ["-m", "zipfile", "-l", join(folder, "emoticons.zip")]).toString();
  for (const side of [16, 24, 32, 48, 64, 96, 128, 256]) {
    assert.ok(names.includes(`png/emoticon-${side}px.png`) && names.includes(`webp/emoticon-${side}px.webp`), names);
  }
  await rm(folder, { recursive: true });
});

test("an image at an address is fetched", async () => {
  const host = createServer((asked, reply) => {
    if (asked.url === "/a.png") reply.end(image);
    else reply.writeHead(asked.url === "/page" ? 200 : 404).end("<html>");
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => host.once("listening", ready));
  const at = (path) => ({ url: `http://127.0.0.1:${host.address().port}${path}` });
  const cut = await client.image.removeBackground(at("/a.png"));
  assertCut(await bytesOf(cut.url));
  assert.equal((await rejection(client.image.resize(at("/none.png")))).code, "INVALID_URL");
  assert.equal((await rejection(client.image.resize(at("/page")))).code, "INVALID_IMAGE");
  const closed = new Promise((end) => host.close(end));
  host.closeAllConnections();
  await closed;
});

test("jobs.poll waits for a job of images, whatever the type of JobResult says", async () => {
  const form = new FormData();
  form.append("file", new Blob([image]), "a/1.png");
  form.append("file", new Blob([mascot("mjpeg")]), "2.jpg");
  const headers = { Authorization: `Bearer ${server.key}` };
  const route = `${server.baseUrl}/api/v1/jobs/image/remove-background`;
  const { data } = await (await fetch(route, { method: "POST", headers, body: form })).json();
  const seen = [];
  const job = await client.jobs.poll(data.jobId, { interval: 100, onProgress: ({ progress }) => seen.push(progress) });
  assert.deepEqual([job.type, job.status, job.result.outputFormat], ["image", "completed", "zip"]);
  assert.deepEqual([job.result.width, job.result.height, job.result.outputs.length], [192, 192, 1]);
  assert.deepEqual(
    job.result.images.map(({ file }) => file),
    ["a/1.png", "2.png"],
  );
  const archive = await (await fetch(job.result.outputUrl)).arrayBuffer();
  assert.equal(archive.byteLength, job.result.outputSize);
  assert.ok(seen.length > 0);
});

test("what is wrong is a validation error with a code", async () => {
  const cases = [
    [() => client.image.resize({ file: Buffer.from("%PDF-1.7") }), "INVALID_IMAGE"],
    [() => client.image.removeBackground({ file: image.subarray(0, image.length / 2) }), "INVALID_IMAGE"],
    [() => client.image.removeBackground({ file: image, method: "ai" }), "INVALID_REQUEST"],
    [() => client.image.resize({ file: image, fit: "crop" }), "INVALID_REQUEST"],
    [() => client.image.resize({ file: image, width: 20_000 }), "INVALID_SIZE"],
    [() => client.image.thumbnail({ file: image, size: "huge" }), "INVALID_SIZE"],
    [() => client.image.emoticon({ file: image, sizes: [] }), "INVALID_SIZE"],
    [() => client.image.resize({ url: "ftp://example.com/a.png" }), "INVALID_URL"],
  ];
  for (const [ask, code] of cases) {
    const error = await rejection(ask());
    assert.ok(error instanceof HypervideoError && error.isValidationError(), `${code}: ${error}`);
    assert.equal(error.code, code, String(error));
  }
  const stranger = new Hypervideo({ apiKey: "hc_00000000000000000000000000000000", baseUrl: server.baseUrl });
  assert.ok((await rejection(stranger.image.resize({ file: image }))).isAuthError());
});

test("the SDK’s own helpers read what the server sends", async () => {
  const { url } = await client.image.resize({ file: image, format: "png" });
  const blob = sdk.dataUrlToBlob(url);
  assert.equal(await sdk.toDataUrl(blob), url);
  assert.equal(url, `data:${sdk.extractMimeType(url)};base64,${sdk.extractBase64(url)}`);
});
