// The journey of the official SDK through two servers of one cluster, for tests/server/test_cluster.py: the first and the second
// address take turns, request by request. BASE_URLS holds both, KEY the API key.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import * as sdk from "@hypervideo-dev/sdk";

import { sample } from "../server/harness.mjs";

const { Hypervideo } = sdk.default ?? sdk;
const clients = process.env.BASE_URLS.split(" ").map((baseUrl) => new Hypervideo({ apiKey: process.env.KEY, baseUrl }));

for (const [one, other] of [clients, clients.toReversed()]) {
  const { jobId } = await one.jobs.submit({
    file: await readFile(sample("mascot.mp4")),
    formats: ["webm", "stacked-alpha"],
    size: 64,
    fps: 2,
  });
  const job = await other.jobs.poll(jobId, { interval: 100, timeout: 60_000 });
  assert.equal(job.status, "completed");
  assert.equal((await one.jobs.get(jobId)).status, "completed");
  for (const { format, url } of job.result.outputs) {
    const reply = await fetch(url);
    assert.equal(reply.status, 200, format);
    assert.ok((await reply.arrayBuffer()).byteLength > 100, format);
  }
}
