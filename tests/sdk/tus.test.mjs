// tus-js-client, unmodified from npm, over lines that break and a server that is killed.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";

import * as tus from "tus-js-client";

import { sample, startServer } from "../server/harness.mjs";

const MIB = 1 << 20;
const SUBMIT = "/api/v1/jobs/video/remove-background";

let server;
let clip;
let large;

before(async () => {
  server = await startServer();
  clip = await readFile(sample("mascot.mp4"));
  // The clip, and behind it a box of random bytes that every player passes over.
  const box = randomBytes(40 * MIB);
  box.writeUInt32BE(box.length, 0);
  box.write("free", 4, "latin1");
  large = Buffer.concat([clip, box]);
});

after(() => server?.stop());

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const authorized = () => ({ Authorization: `Bearer ${server.key}` });
const storageIdOf = (upload) => new URL(upload.url).pathname.split("/").at(-1);

/** A line to the server that lets `enough` bytes through and then breaks, once. */
async function fragileLine(enough, onBreak = async () => {}) {
  let passed = 0;
  let broken = false;
  const line = createServer((near) => {
    const far = connect(server.port, "127.0.0.1");
    const hangUp = () => {
      near.destroy();
      far.destroy();
    };
    near.on("error", hangUp).on("close", hangUp);
    far.on("error", hangUp).on("close", hangUp);
    far.pipe(near);
    near.on("data", async (bytes) => {
      passed += bytes.length;
      if (!broken && passed > enough) {
        broken = true;
        near.pause();
        await onBreak();
        hangUp();
        return;
      }
      if (!far.write(bytes)) {
        near.pause();
        far.once("drain", () => near.resume());
      }
    });
  });
  line.listen(0, "127.0.0.1");
  await new Promise((ready) => line.once("listening", ready));
  return {
    endpoint: `http://127.0.0.1:${line.address().port}/api/v1/uploads`,
    isBroken: () => broken,
    close: () => line.close(),
  };
}

/** Uploads with retries; the offsets at which the client began again are noted. */
function send(bytes, options) {
  const resumedAt = [];
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(bytes, {
      headers: authorized(),
      retryDelays: [0, 200, 500, 1000, 2000, 4000],
      metadata: { filename: "clip.mp4", filetype: "video/mp4" },
      onAfterResponse(request, response) {
        if (request.getMethod() === "HEAD") resumedAt.push(Number(response.getHeader("Upload-Offset")));
      },
      onError: reject,
      onSuccess: () => resolve({ upload, resumedAt }),
      ...options,
    });
    upload.start();
  });
}

async function submit(storageId, key = server.key) {
  const body = new FormData();
  body.set("inputStorageId", storageId);
  body.set("format", "webm");
  body.set("size", "64");
  body.set("fps", "6");
  const reply = await fetch(server.baseUrl + SUBMIT, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
    body,
  });
  return { status: reply.status, ...(await reply.json()) };
}

async function waitForEnd(jobId) {
  for (;;) {
    const reply = await fetch(`${server.baseUrl}/api/v1/jobs/${jobId}?wait=60`, { headers: authorized() });
    const { data } = await reply.json();
    if (["completed", "failed"].includes(data.status)) return data;
  }
}

async function storedHashes() {
  const folder = join(server.data, "objects", "uploads");
  const names = await readdir(folder);
  return Promise.all(names.map(async (name) => sha256(await readFile(join(folder, name)))));
}

/** Unfinished uploads on the disk; the folder goes with its last file. */
const partials = () => readdir(join(server.data, "objects", "partial")).catch(() => []);

test("a clip goes up, is a file of the same hash, and serves two jobs", { timeout: 120_000 }, async () => {
  const { upload } = await send(clip, { endpoint: `${server.baseUrl}/api/v1/uploads` });
  assert.ok((await storedHashes()).includes(sha256(clip)));
  const jobs = await Promise.all([submit(storageIdOf(upload)), submit(storageIdOf(upload))]);
  for (const job of jobs) {
    assert.equal(job.status, 202, JSON.stringify(job));
    const ended = await waitForEnd(job.data.jobId);
    assert.deepEqual([ended.status, ended.clipName], ["completed", "clip.mp4"]);
  }
  assert.deepEqual(await partials(), []);
});

test("a line that breaks in the middle costs no byte", { timeout: 120_000 }, async () => {
  const line = await fragileLine(20 * MIB);
  const { upload, resumedAt } = await send(large, { endpoint: line.endpoint });
  line.close();
  assert.ok(line.isBroken());
  assert.equal(resumedAt.length, 1, `resumed at ${resumedAt}`);
  assert.ok(resumedAt[0] > 8 * MIB && resumedAt[0] <= 20 * MIB, `resumed at ${resumedAt}`);
  assert.ok((await storedHashes()).includes(sha256(large)));
  assert.equal((await submit(storageIdOf(upload))).status, 202);
});

test("a server killed in the middle goes on from what it had acknowledged", { timeout: 120_000 }, async () => {
  const other = Buffer.concat([large, Buffer.from("another")]);
  const line = await fragileLine(24 * MIB, () => server.restart());
  const { upload, resumedAt } = await send(other, { endpoint: line.endpoint });
  line.close();
  assert.ok(line.isBroken());
  assert.ok(resumedAt.at(-1) >= 8 * MIB, `resumed at ${resumedAt}`);
  assert.ok((await storedHashes()).includes(sha256(other)));
  const job = await submit(storageIdOf(upload));
  assert.equal((await waitForEnd(job.data.jobId)).status, "completed");
});

test("pieces, the first with the creation, and a length that is told last", { timeout: 60_000 }, async () => {
  const endpoint = `${server.baseUrl}/api/v1/uploads`;
  const pieces = Buffer.concat([clip, Buffer.from("pieces")]);
  await send(pieces, { endpoint, chunkSize: 50_000, uploadDataDuringCreation: true });
  assert.ok((await storedHashes()).includes(sha256(pieces)));
  const created = await fetch(endpoint, { method: "POST", headers: authorized() });
  assert.equal(created.status, 201);
  const { storageId, uploadUrl } = (await created.json()).data;
  const deferred = Buffer.concat([clip, Buffer.from("deferred")]);
  await send(deferred, { uploadUrl, uploadLengthDeferred: true, chunkSize: 60_000 });
  assert.ok((await storedHashes()).includes(sha256(deferred)));
  assert.equal((await submit(storageId)).status, 202);
});

test("an upload that is terminated is gone", { timeout: 60_000 }, async () => {
  const upload = await new Promise((resolve, reject) => {
    const begun = new tus.Upload(large, {
      endpoint: `${server.baseUrl}/api/v1/uploads`,
      headers: authorized(),
      chunkSize: MIB,
      onChunkComplete: () => resolve(begun),
      onError: reject,
    });
    begun.start();
  });
  await upload.abort(true);
  const asked = await fetch(upload.url, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } });
  assert.equal(asked.status, 404);
  assert.deepEqual(await partials(), []);
});

test("what is no video is refused, and the client does not try again", { timeout: 60_000 }, async () => {
  const endpoint = `${server.baseUrl}/api/v1/uploads`;
  const error = await send(randomBytes(100_000), { endpoint }).then(
    () => assert.fail("taken"),
    (error) => error,
  );
  assert.equal(error.originalResponse.getStatus(), 400);
  assert.equal(JSON.parse(error.originalResponse.getBody()).error.code, "INVALID_VIDEO");
  assert.deepEqual(await partials(), []);
});
