// The official SDK, unmodified from npm, is the judge of the wire.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import * as sdk from "@hypervideo-dev/sdk";

import { sample, startServer } from "../server/harness.mjs";

const { Hypervideo, HypervideoError } = sdk.default ?? sdk;

let server;
let client;
let clip;

before(async () => {
  server = await startServer();
  client = new Hypervideo({ apiKey: server.key, baseUrl: server.baseUrl });
  clip = await readFile(sample("mascot.mp4"));
});

after(() => server?.stop());

const bands = {
  "queued-on-railway": [0, 10],
  "loading-input": [10, 25],
  "processing-video": [25, 85],
  "uploading-outputs": [85, 100],
};

const keys = "completedAt createdAt error jobId progress result stage startedAt status type".split(" ");
const ours = "clipName estimatedStartAt eventsUrl expiresAt queuePosition retryOf revision".split(" ");

const rejection = (promise) =>
  promise.then(
    () => assert.fail("it was accepted"),
    (error) => error,
  );

test("a submitted Buffer is polled to its end, and its files are what was announced", {
  timeout: 120_000,
}, async () => {
  const { jobId, status } = await client.jobs.submit({ file: clip, formats: ["webm", "stacked-alpha"], tolerance: 30 });
  assert.equal(status, "queued");
  const seen = [];
  const job = await client.jobs.poll(jobId, { interval: 100, timeout: 100_000, onProgress: (job) => seen.push(job) });
  for (const [index, moment] of seen.entries()) {
    assert.deepEqual(Object.keys(moment).sort(), [...keys, ...ours].sort());
    assert.ok(index === 0 || moment.revision >= seen[index - 1].revision, "the revision went back");
    assert.ok(index === 0 || moment.progress >= seen[index - 1].progress, "progress went back");
    if (moment.stage === null) {
      assert.ok(["completed", "failed"].includes(moment.status));
    } else {
      const [low, high] = bands[moment.stage];
      assert.ok(moment.progress >= low && moment.progress <= high, `${moment.stage} at ${moment.progress}`);
    }
  }
  // How often it can be seen to move depends on how quick the machine is; standing still until the end is two values.
  assert.ok(new Set(seen.map((moment) => moment.progress)).size > 2, "progress does not move");
  assert.equal(job.progress, 100);
  assert.equal(job.clipName, null, "the SDK calls every file blob");
  assert.ok(Number.isInteger(job.createdAt) && job.createdAt <= job.startedAt && job.startedAt <= job.completedAt);
  const { result } = job;
  assert.deepEqual(
    result.outputs.map((output) => output.format),
    ["webm", "stacked-alpha"],
  );
  assert.equal(result.outputUrl.split("?")[0], result.outputs[0].url.split("?")[0]);
  assert.match(result.detectedBackgroundColor.hex, /^#[0-9A-F]{6}$/);
  assert.equal(result.report.method, "chromakey");
  assert.ok(result.report.confidence > 0.9 && result.report.removedShare > 0.3 && result.report.removedShare < 0.95);
  assert.deepEqual(result.report.warnings, []);
  for (const { url, size, format } of result.outputs) {
    const file = await fetch(url);
    assert.equal(file.status, 200);
    assert.equal(file.headers.get("content-type"), { webm: "video/webm", "stacked-alpha": "video/mp4" }[format]);
    assert.equal((await file.arrayBuffer()).byteLength, size);
  }
});

test("a Blob is taken like a Buffer, and the job is its own key’s alone", { timeout: 120_000 }, async () => {
  const { jobId } = await client.jobs.submit({
    file: new Blob([clip], { type: "image/png" }),
    format: "webm",
    size: 64,
  });
  const job = await client.jobs.get(jobId);
  assert.equal(job.jobId, jobId);
  assert.equal(job.type, "video");
  const error = await rejection(client.jobs.get("jd00000000000000000000"));
  assert.equal(error.code, "JOB_NOT_FOUND");
  assert.equal(error.statusCode, 404);
});

test("the synchronous call hands back data URLs that the SDK can read", { timeout: 120_000 }, async () => {
  const cut = await client.video.removeBackground({ file: clip, format: "webm", size: 128, fps: 12 });
  const blob = sdk.dataUrlToBlob(cut.url);
  assert.equal(blob.type, "video/webm");
  assert.equal(blob.size, cut.size);
  assert.equal(cut.format, "webm");
  assert.equal(cut.fps, 12);
  assert.equal(cut.processingMethod, "chromakey");
  assert.equal(Math.max(cut.width, cut.height), 128);
  assert.equal(Math.round(cut.duration * cut.fps), cut.frameCount);
  assert.ok(!("outputs" in cut));
  const both = await client.video.removeBackground({ file: clip, formats: ["webm", "webp"], size: 128, fps: 6 });
  assert.deepEqual(
    both.outputs.map((output) => sdk.extractMimeType(output.url)),
    ["video/webm", "image/webp"],
  );
});

test("a wrong key is an authentication error", async () => {
  for (const apiKey of ["hc_00000000000000000000000000000000", "nonsense"]) {
    const stranger = new Hypervideo({ apiKey, baseUrl: server.baseUrl });
    const error = await rejection(stranger.jobs.submit({ file: clip }));
    assert.ok(error instanceof HypervideoError && error.isAuthError(), String(error));
    assert.ok(!error.isValidationError());
  }
});

test("what is wrong with a request is a validation error that names it", async () => {
  const cases = [
    [{ file: clip, size: 63 }, "INVALID_SIZE"],
    [{ file: clip, quality: 0.5 }, "INVALID_QUALITY"],
    [{ file: clip, formats: [] }, "INVALID_FORMATS"],
    [{ file: clip, format: "avi" }, "INVALID_FORMATS"],
    [{ file: clip, chromaKey: { r: 0, g: 300, b: 0 } }, "INVALID_CHROMA_KEY"],
    [{ file: Buffer.from("#EXTM3U\n") }, "INVALID_VIDEO"],
    [{ file: Buffer.alloc(0) }, "INVALID_VIDEO"],
    [{ url: "http://127.0.0.1/clip.mp4" }, "INVALID_URL"],
    [{ url: "ftp://example.com/clip.mp4" }, "INVALID_URL"],
  ];
  for (const [options, code] of cases) {
    const error = await rejection(client.jobs.submit(options));
    assert.ok(error.isValidationError(), `${code}: ${error}`);
    assert.equal(error.code, code, String(error));
  }
});

test("a call without a source is refused by the SDK itself", async () => {
  const error = await rejection(client.jobs.submit({ format: "webm" }));
  assert.equal(error.code, "INVALID_REQUEST");
});

test("a clip that cannot be cut fails its job, and poll throws with the code", { timeout: 60_000 }, async () => {
  const broken = Buffer.concat([clip.subarray(0, 64), Buffer.alloc(4096)]);
  const { jobId } = await client.jobs.submit({ file: broken });
  const error = await rejection(client.jobs.poll(jobId, { interval: 100 }));
  assert.equal(error.code, "INVALID_VIDEO");
  assert.equal(error.details.jobId, jobId);
  const sync = await rejection(client.video.removeBackground({ file: broken }));
  assert.ok(sync.isValidationError(), String(sync));
});

test("a wait that is over is a timeout that names the job, which goes on", { timeout: 120_000 }, async () => {
  const hasty = await startServer(["--sync-wait-secs", "0"]);
  try {
    const error = await rejection(
      new Hypervideo({ apiKey: hasty.key, baseUrl: hasty.baseUrl }).video.removeBackground({
        file: clip,
        format: "webm",
        size: 64,
      }),
    );
    assert.ok(error.isTimeoutError(), String(error));
    const job = await new Hypervideo({ apiKey: hasty.key, baseUrl: hasty.baseUrl }).jobs.poll(error.details.jobId, {
      interval: 100,
    });
    assert.equal(job.status, "completed");
  } finally {
    await hasty.stop();
  }
});
