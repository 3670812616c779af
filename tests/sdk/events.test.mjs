// The events of a job as a browser follows them: `EventSource` sends no headers.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { EventSource } from "eventsource";

import { sample, startServer } from "../server/harness.mjs";

test("an EventSource follows a job by its eventsUrl to the end, and then stops", { timeout: 120_000 }, async () => {
  const server = await startServer();
  try {
    const form = new FormData();
    form.set("file", new Blob([await readFile(sample("mascot.mp4"))]), "mascot.mp4");
    for (const [name, value] of Object.entries({ format: "webm", size: "64", fps: "2" })) form.set(name, value);
    const headers = { Authorization: `Bearer ${server.key}` };
    const submit = `${server.baseUrl}/api/v1/jobs/video/remove-background`;
    const { data } = await (await fetch(submit, { method: "POST", headers, body: form })).json();
    const source = new EventSource(data.eventsUrl);
    const seen = [];
    source.addEventListener("message", (event) => seen.push(JSON.parse(event.data)));
    // At its end the stream closes; the source asks once more, and 204 tells it to stop.
    await new Promise((stopped) => {
      source.addEventListener("error", () => source.readyState === EventSource.CLOSED && stopped());
    });
    assert.ok(seen.every(({ jobId }) => jobId === data.jobId));
    const last = seen.at(-1);
    assert.deepEqual([last.status, last.eventsUrl], ["completed", null]);
    assert.equal((await fetch(last.result.outputUrl)).status, 200);
  } finally {
    await server.stop();
  }
});
