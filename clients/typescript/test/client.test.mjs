// The built package against a real server, with a real clip.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Clearcut, ClearcutError, JobFailedError, verifyWebhook, WebhookVerificationError } from "clearcut-client";
import { openClip, openFolder, saveOutput } from "clearcut-client/node";
import { assertCut, decode, mascot } from "../../../tests/sdk/pictures.mjs";
import { sample, startServer } from "../../../tests/server/harness.mjs";
import { startReceiver } from "../../../tests/webhooks/receiver.mjs";

/** What makes a cut short. */
const SMALL = { formats: ["webm"], size: 64, fps: 2 };

let server;
let client;
let clip;
let folder;
before(async () => {
  server = await startServer(["--allow-private-networks", "127.0.0.0/8"]);
  client = new Clearcut({ baseUrl: server.baseUrl, apiKey: server.key });
  clip = await openClip(sample("mascot.mp4"));
  folder = await mkdtemp(join(tmpdir(), "clearcut-client-"));
});
after(async () => {
  await server?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const bytesOf = async (blob) => Buffer.from(await blob.arrayBuffer());

/** A proxy before the server that answers as `meddle` tells, and passes on what it does not answer. */
async function startProxy(meddle) {
  const proxy = createServer((incoming, outgoing) => {
    if (meddle(incoming, outgoing)) return;
    const { method, url, headers } = incoming;
    const onward = httpRequest(server.baseUrl + url, { method, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode, reply.headers);
      reply.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise((ready) => proxy.listen(0, "127.0.0.1", ready));
  const baseUrl = `http://127.0.0.1:${proxy.address().port}`;
  return { client: new Clearcut({ baseUrl, apiKey: server.key }), stop: () => proxy.close() };
}

test("a file is submitted, followed to its end, and saved", async () => {
  const { jobId, status } = await client.submit(clip, { ...SMALL, formats: ["webm", "webp"], chromaKey: "#E92FBC" });
  assert.equal(status, "queued");
  const seen = [];
  const job = await client.wait(jobId, { onProgress: (now) => seen.push(now) });
  assert.equal(job.status, "completed");
  assert.equal(job.clipName, "mascot.mp4");
  assert.ok(seen.every(({ revision }, at) => at === 0 || revision > seen[at - 1].revision));
  const webp = await client.download(jobId, "webp");
  assert.equal(webp.size, job.result.outputs[1].size);
  assert.equal(Buffer.from(await webp.slice(0, 4).arrayBuffer()).toString(), "RIFF");
  await saveOutput(client, jobId, join(folder, "cut.webm"));
  assert.equal((await stat(join(folder, "cut.webm"))).size, job.result.outputSize);
  assert.deepEqual(await readdir(folder), ["cut.webm"]);
  await assert.rejects(client.download(jobId, "mov"), RangeError);
});

test("an upload serves previews and jobs, and an address is fetched", async () => {
  const { storageId } = await client.upload(clip);
  const preview = await client.preview({ storageId }, { time: 1, size: 128, tolerance: 40 });
  assert.equal(preview.png.size, preview.size);
  assert.equal(preview.png.type, "image/png");
  const host = createServer(async (_, reply) => reply.end(await readFile(sample("mascot.mp4"))));
  await new Promise((ready) => host.listen(0, "127.0.0.1", ready));
  const url = new URL(`http://127.0.0.1:${host.address().port}/clip.mp4`);
  const hints = [{ time: 0, x: 0.5, y: 0.5, kind: "keep" }];
  for (const source of [{ storageId }, { url }]) {
    const { jobId } = await client.submit(source, { ...SMALL, hints });
    const { result } = await client.wait(jobId);
    assert.equal(result.report.hintFrames.length, 1);
  }
  host.close();
});

test("an image is cut, measured and scaled, and becomes emoticons", async () => {
  const image = new File([mascot()], "mascot.png");
  const cut = await client.removeImageBackground(image, { method: "chroma", tolerance: 25, shadow: "drop" });
  assert.deepEqual([cut.method, cut.warnings, cut.png.type], ["chroma", [], "image/png"]);
  assertCut(await bytesOf(cut.png));
  const { hex } = await client.detectBackgroundColor(image);
  assert.equal(hex, cut.detectedBackgroundColor.hex);
  const hard = await client.removeImageBackground(image, { chromaKey: hex, smoothEdges: false });
  assert.equal(hard.reason, "key-given");
  assert.notDeepEqual(await bytesOf(hard.png), await bytesOf(cut.png));

  const { storageId } = await client.upload(image);
  const small = await client.resizeImage({ storageId }, { width: 64, height: 32, fit: "contain", format: "webp" });
  const { kind, width, height } = decode(await bytesOf(small.blob));
  assert.deepEqual([kind, width, height, small.blob.type], ["webp", 64, 32, "image/webp"]);
  const thumbnail = await client.thumbnail(image, { size: "small", quality: 80 });
  assert.deepEqual([thumbnail.format, thumbnail.width, thumbnail.blob.size], ["png", 150, thumbnail.size]);

  const pack = await client.emoticons(image, { sizes: [32, 16] });
  assert.deepEqual(
    pack.sizes.map(({ size, png, webp }) => [size, png.type, webp.type]),
    [32, 16].map((size) => [size, "image/png", "image/webp"]),
  );
  assert.equal(pack.totalPngSize, pack.sizes[0].png.size + pack.sizes[1].png.size);
  assert.equal(decode(await bytesOf(pack.sizes[1].webp)).width, 16);
  const zip = await bytesOf(await client.emoticonZip(image, { sizes: [32, 16] }));
  assert.ok(zip.includes("webp/emoticon-16px.webp") && zip.includes(await bytesOf(pack.sizes[0].png)));

  const refused = client.detectBackgroundColor(new Blob(["These are my notes."]));
  await assert.rejects(refused, { status: 400, code: "INVALID_IMAGE" });
  await assert.rejects(client.emoticons(image, { sizes: [5000] }), { code: "INVALID_SIZE" });
});

test("images are cut by one job: some, those of a folder, a ZIP, or one", async () => {
  const photos = join(folder, "photos");
  await mkdir(join(photos, "deep"), { recursive: true });
  await writeFile(join(photos, "one.png"), mascot());
  await writeFile(join(photos, "deep/two.jpg"), mascot("mjpeg"));
  await writeFile(join(photos, "broken.png"), mascot().subarray(0, 60));
  await writeFile(join(photos, ".hidden"), "");
  const files = await openFolder(photos);
  const { jobId } = await client.submitImages(files, { method: "chroma", clipName: "photos" });
  const seen = [];
  const { type, result } = await client.wait(jobId, { onProgress: (now) => seen.push(now.progress) });
  assert.equal(type, "image");
  assert.deepEqual(
    result.images.map(({ name, file, error }) => [name, file, error?.code]),
    [
      ["broken.png", null, "INVALID_IMAGE"],
      ["deep/two.jpg", "deep/two.png", undefined],
      ["one.png", "one.png", undefined],
    ],
  );
  const zip = join(folder, "photos.zip");
  await saveOutput(client, jobId, zip, "zip");
  const cut = await client.removeImageBackground(files[2], { method: "chroma" });
  assert.ok((await readFile(zip)).includes(await bytesOf(cut.png)));

  // What came back is a ZIP of images.
  const again = await client.wait((await client.submitImages(await openClip(zip), { method: "auto" })).jobId);
  assert.deepEqual(
    again.result.images.map(({ reason }) => reason),
    ["transparent", "transparent"],
  );
  const one = await client.submitImages({ storageId: (await client.upload(files[2])).storageId }, { method: "chroma" });
  assert.equal((await client.wait(one.jobId)).result.outputFormat, "png");
  assertCut(await bytesOf(await client.download(one.jobId, "png")));
  await rm(photos, { recursive: true });
  await rm(zip);
  await assert.rejects(client.submitImages(clip), { status: 400 });
});

test("jobs are listed in pages, repeated safely, and removed", async () => {
  const twice = [1, 2].map(() => client.submit(clip, SMALL, { idempotencyKey: "the-same" }));
  const [first] = await Promise.allSettled(twice);
  const again = await client.submit(clip, SMALL, { idempotencyKey: "the-same" });
  if (first.status === "fulfilled") assert.equal(again.jobId, first.value.jobId);
  await client.wait(again.jobId);
  const page = await client.list({ limit: 1, createdAfter: new Date(Date.now() - 3600_000) });
  assert.equal(page.jobs.length, 1);
  const older = await client.list({ createdBefore: new Date(Date.now() - 3600_000) });
  assert.deepEqual(older.jobs, []);
  const ids = [];
  for await (const { jobId } of client.jobs({ limit: 1 })) ids.push(jobId);
  assert.ok(ids.length >= 2 && ids.includes(again.jobId));
  await client.remove(again.jobId);
  await assert.rejects(client.job(again.jobId), { code: "JOB_NOT_FOUND", status: 404 });
  assert.ok((await client.usage()).total);
});

test("a failed and a cancelled job are errors with their code; a retry starts a new job", async () => {
  const broken = new Blob([await clip.slice(0, 28).arrayBuffer(), new Uint8Array(4068)]);
  const { jobId } = await client.submit(broken, SMALL);
  const failed = await client.wait(jobId).catch((error) => error);
  assert.ok(failed instanceof JobFailedError);
  assert.equal(failed.code, "INVALID_VIDEO");
  const retried = await client.retry(jobId);
  const long = await client.submit(clip, { formats: ["apng", "mov"], size: 2048, fps: 60 });
  assert.equal((await client.cancel(long.jobId)).error?.code, "JOB_CANCELLED");
  await assert.rejects(client.wait(long.jobId), { code: "JOB_CANCELLED" });
  await assert.rejects(client.wait(retried.jobId), { code: "INVALID_VIDEO" });
});

test("a refused request is an error with code, status and details", async () => {
  const error = await client.submit(clip, { tolerance: 150 }).catch((error) => error);
  assert.ok(error instanceof ClearcutError);
  assert.deepEqual([error.status, error.code, error.details.field], [400, "INVALID_TOLERANCE", "tolerance"]);
  const stranger = new Clearcut({ baseUrl: server.baseUrl, apiKey: "hc_nobody" });
  await assert.rejects(stranger.list(), { status: 401, code: "INVALID_API_KEY" });
  await assert.rejects(client.job("absent"), { code: "JOB_NOT_FOUND" });
});

test("where events do not come through, the job is polled", async () => {
  let polls = 0;
  const proxy = await startProxy(({ url }, reply) => {
    if (url.includes("?wait=")) polls += 1;
    // The first poll finds a proxy that has no server at the moment.
    if (url.endsWith("/events") || polls === 1) reply.writeHead(502).end("bad gateway");
    return reply.writableEnded;
  });
  const { jobId } = await proxy.client.submit(clip, SMALL);
  assert.equal((await proxy.client.wait(jobId)).status, "completed");
  assert.ok(polls >= 2);
  proxy.stop();
});

test("a stream that breaks off is continued by polling, and no change comes twice", async () => {
  const proxy = await startProxy(({ url, headers }, reply) => {
    if (!url.endsWith("/events")) return false;
    fetch(server.baseUrl + url, { headers: { authorization: headers.authorization } }).then(async ({ body }) => {
      const { value } = await body.getReader().read();
      reply
        .writeHead(200, { "content-type": "text/event-stream" })
        .write(Buffer.concat([value, value]), () => reply.destroy());
    });
    return true;
  });
  const { jobId } = await proxy.client.submit(clip, SMALL);
  const revisions = [];
  for await (const { revision } of proxy.client.follow(jobId)) revisions.push(revision);
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].sort((one, other) => one - other),
  );
  assert.equal((await client.job(jobId)).revision, revisions.at(-1));
  proxy.stop();
});

test("a signal ends waiting", async () => {
  const { jobId } = await client.submit(clip, { formats: ["apng", "mov"], size: 2048, fps: 60 });
  const stop = new AbortController();
  const waiting = client.wait(jobId, { signal: stop.signal, onProgress: () => stop.abort() });
  await assert.rejects(waiting, { name: "AbortError" });
  await client.remove(jobId);
});

test("deliveries of the server are verified; what was changed or is old is refused", async () => {
  const receiver = await startReceiver();
  const made = await client.createWebhook({ url: receiver.url, events: ["job.completed"] });
  assert.equal((await client.webhooks()).length, 1);
  await client.testWebhook(made.webhookId);
  const sent = await receiver.next(({ type }) => type === "webhook.test");
  assert.equal((await verifyWebhook(sent.body, sent.headers, made.secret)).type, "webhook.test");
  const { jobId } = await client.submit(clip, { ...SMALL, webhookUrl: receiver.url });
  const own = await client.webhookSecret();
  // The job is told to the endpoint and to its own address, with one secret each.
  const isOf = (secret) => (request) =>
    verifyWebhook(request.body, request.headers, secret).then(
      (event) => event.type === "job.completed" && event.data.jobId === jobId,
      () => false,
    );
  await client.wait(jobId);
  await receiver.next(({ type }) => type === "job.completed");
  for (const secret of [made.secret, own])
    while (!(await Promise.all(receiver.received.map(isOf(secret)))).includes(true))
      await new Promise((again) => setTimeout(again, 20));
  const { body, headers } = sent;
  const bytes = new TextEncoder().encode(body);
  assert.equal((await verifyWebhook(bytes, new Headers(Object.entries(headers)), made.secret)).type, "webhook.test");
  for (const [body_, headers_, secret] of [
    [body.replace("test", "Test"), headers, made.secret],
    [body, { ...headers, "webhook-id": "msg_other" }, made.secret],
    [body, { ...headers, "webhook-timestamp": `${Number(headers["webhook-timestamp"]) - 301}` }, made.secret],
    [body, { ...headers, "webhook-timestamp": "soon" }, made.secret],
    [body, { ...headers, "webhook-signature": "v1,####" }, made.secret],
    [body, { ...headers, "webhook-signature": undefined }, made.secret],
    [body, headers, own],
    [body, headers, "whsec_####"],
  ])
    await assert.rejects(verifyWebhook(body_, headers_, secret), WebhookVerificationError);
  const old = verifyWebhook(body, headers, made.secret, { tolerance: -1 });
  await assert.rejects(old, { name: "WebhookVerificationError", message: /too old/ });
  await client.removeWebhook(made.webhookId);
  assert.deepEqual(await client.webhooks(), []);
  await receiver.stop();
});

test("what browsers load uses nothing of Node", async () => {
  const built = new URL("../dist/esm/", import.meta.url);
  const files = (await readdir(built)).filter((name) => name.endsWith(".js") && name !== "node.js");
  assert.ok(files.length > 5);
  for (const name of files)
    assert.doesNotMatch(await readFile(new URL(name, built), "utf8"), /node:|\bBuffer\b|\bprocess\b\./);
});

test("require works as import does", async () => {
  const required = createRequire(import.meta.url)("clearcut-client");
  assert.deepEqual(
    Object.keys(required).sort(),
    Object.keys(await import("clearcut-client"))
      .filter((name) => name !== "default")
      .sort(),
  );
  const other = new required.Clearcut({ baseUrl: server.baseUrl, apiKey: server.key });
  assert.ok((await other.list()).jobs.length > 0);
  createRequire(import.meta.url)("clearcut-client/node");
});
