import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { sample, startServer } from "../server/harness.mjs";

const run = promisify(execFile);

test("the documented curl loop ends with a WebM file", { timeout: 120_000 }, async () => {
  const server = await startServer();
  try {
    const out = join(server.data, "out.webm");
    const env = { ...process.env, BASE: server.baseUrl, API_KEY: server.key, CLIP: sample("mascot.mp4"), OUT: out };
    await run(fileURLToPath(new URL("curl.sh", import.meta.url)), { env });
    assert.deepEqual([...(await readFile(out)).subarray(0, 4)], [0x1a, 0x45, 0xdf, 0xa3]);
  } finally {
    await server.stop();
  }
});

test("the line that the first start prints works as it stands", { timeout: 60_000 }, async () => {
  const server = await startServer();
  try {
    const line = server.said.split("\n").find((line) => line.trim().startsWith("curl"));
    const { stdout } = await run("sh", ["-c", line], { cwd: server.data });
    assert.match(stdout, /^\{"success":true,"data":\{"jobId":"jd[0-9a-z]{20}","status":"queued",/);
  } finally {
    await server.stop();
  }
});
