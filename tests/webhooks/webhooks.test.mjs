// What the server sends, verified by the npm package that users have.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { sample, startServer } from "../server/harness.mjs";
import { startReceiver } from "./receiver.mjs";

let server;
let clip;
before(async () => {
  server = await startServer(["--allow-private-networks", "127.0.0.0/8"]);
  clip = await readFile(sample("mascot.mp4"));
});
after(() => server.stop());

async function call(method, path, body) {
  const headers = { authorization: `Bearer ${server.key}`, ...(body && { "content-type": "application/json" }) };
  const reply = await fetch(server.baseUrl + path, { method, headers, body: body && JSON.stringify(body) });
  const { success, data, error } = await reply.json();
  assert.ok(success, JSON.stringify(error));
  return data;
}

async function submit(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ format: "webm", size: "64", fps: "6", ...fields }))
    form.set(name, value);
  form.set("file", new Blob([clip]), "clip.mp4");
  const headers = { authorization: `Bearer ${server.key}` };
  const reply = await fetch(`${server.baseUrl}/api/v1/jobs/video/remove-background`, {
    method: "POST",
    headers,
    body: form,
  });
  const { data, error } = await reply.json();
  assert.equal(reply.status, 202, JSON.stringify(error));
  return data.jobId;
}

/** The first answer of `ask` for which `holds`: what a receiver has in hand is written down a moment later. */
async function when(ask, holds) {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise((again) => setTimeout(again, 20));
  }
}

/** A job without what is made anew with each reading: the signatures of its links. */
const settled = (job) => JSON.parse(JSON.stringify(job).replaceAll(/\?expires=\d+&signature=[0-9a-f]+/g, ""));

test("the URL of a job is told of its start and its end, and what it is told is what reading the job answers", {
  timeout: 120_000,
}, async () => {
  const receiver = await startReceiver();
  const { secret } = await call("GET", "/api/v1/webhooks/secret");
  const webhook = new Webhook(secret);
  const jobId = await submit({ webhookUrl: receiver.url });
  const ended = await receiver.next(({ type }) => type === "job.completed");
  const started = await receiver.next(({ type }) => type === "job.started");
  const { data, timestamp } = webhook.verify(ended.body, ended.headers);
  const read = await call("GET", `/api/v1/jobs/${jobId}`);
  assert.deepEqual(settled(data), settled(read));
  assert.equal(Math.floor(Date.parse(timestamp) / 1000), data.completedAt);
  const file = await fetch(data.result.outputUrl);
  assert.equal((await file.arrayBuffer()).byteLength, data.result.outputSize);
  const before = webhook.verify(started.body, started.headers);
  assert.equal(before.data.status, "processing");
  assert.equal(before.data.result, null);
  assert.ok(before.data.revision < data.revision);
  assert.equal(receiver.received.length, 2);
  await receiver.stop();
});

test("what was changed on its way, or is signed with another secret, does not verify", {
  timeout: 120_000,
}, async () => {
  const receiver = await startReceiver();
  const made = await call("POST", "/api/v1/webhooks", { url: receiver.url, events: ["job.failed"] });
  await call("POST", `/api/v1/webhooks/${made.webhookId}/test`);
  const { body, headers } = await receiver.next(({ type }) => type === "webhook.test");
  new Webhook(made.secret).verify(body, headers);
  const refused = (webhook, body_, headers_) => assert.throws(() => webhook.verify(body_, headers_), /signature/i);
  refused(new Webhook(made.secret), body.replace("test", "Test"), headers);
  refused(new Webhook(made.secret), body, { ...headers, "webhook-id": "msg_other" });
  refused(new Webhook((await call("GET", "/api/v1/webhooks/secret")).secret), body, headers);
  const last = async () => (await call("GET", `/api/v1/webhooks/${made.webhookId}/deliveries`)).deliveries[0];
  const { event, status, deliveryId } = await when(last, ({ attempts }) => attempts.length > 0);
  assert.deepEqual([event, status, deliveryId], ["webhook.test", "delivered", headers["webhook-id"]]);
  await call("DELETE", `/api/v1/webhooks/${made.webhookId}`);
  await receiver.stop();
});

test("while a secret rotates, receivers that know either are content", { timeout: 120_000 }, async () => {
  const receiver = await startReceiver();
  const made = await call("POST", "/api/v1/webhooks", { url: receiver.url });
  const path = `/api/v1/webhooks/${made.webhookId}`;
  const rotated = await call("POST", `${path}/secret/rotate`);
  assert.equal(rotated.previousSecret, made.secret);
  await call("POST", `${path}/test`);
  const { body, headers } = await receiver.next(() => true);
  for (const secret of [made.secret, rotated.secret]) new Webhook(secret).verify(body, headers);
  await call("DELETE", path);
  await receiver.stop();
});

test("a delivery that was refused comes again, and again by hand, always under one name", {
  timeout: 120_000,
}, async () => {
  const receiver = await startReceiver([[500, {}, "not today"]]);
  const jobId = await submit({ webhookUrl: receiver.url });
  const path = `/api/v1/jobs/${jobId}/deliveries`;
  await receiver.next(({ type }) => type === "job.completed");
  const refused = JSON.parse(receiver.received[0].body).type;
  const told = async () => (await call("GET", path)).deliveries.find(({ event }) => event === refused);
  const { deliveryId } = await told();
  await receiver.next(
    () => receiver.received.filter(({ headers }) => headers["webhook-id"] === deliveryId).length === 2,
  );
  // One that is under way is not put in line again.
  await when(told, ({ attempts }) => attempts.length === 2);
  await call("POST", `${path}/${deliveryId}/redeliver`);
  await receiver.next(
    () => receiver.received.filter(({ headers }) => headers["webhook-id"] === deliveryId).length === 3,
  );
  const bodies = receiver.received
    .filter(({ headers }) => headers["webhook-id"] === deliveryId)
    .map(({ body }) => settled(body));
  assert.equal(new Set(bodies).size, 1);
  const { attempts } = await when(told, ({ attempts }) => attempts.length === 3);
  assert.deepEqual(
    attempts.map(({ status, reply }) => [status, reply]),
    [
      [500, "not today"],
      [204, ""],
      [204, ""],
    ],
  );
  await receiver.stop();
});
