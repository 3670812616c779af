// A TypeScript client whose types openapi-typescript generates from the committed document.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { root, sample, startServer } from "../server/harness.mjs";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const bin = (name) => join(here, "node_modules/.bin", name);

test("generated types compile strictly, and a client of them submits, waits and downloads", {
  timeout: 180_000,
}, async () => {
  // Beside the packages that it imports.
  const folder = await mkdtemp(join(here, "generated/build-"));
  const server = await startServer();
  try {
    await run(bin("openapi-typescript"), [join(root, "openapi.json"), "-o", join(folder, "api.d.ts")]);
    await copyFile(join(here, "generated/client.ts"), join(folder, "client.ts"));
    const options = "--strict --target es2022 --module nodenext --skipLibCheck false --types node".split(" ");
    await run(bin("tsc"), [...options, "client.ts"], { cwd: folder });
    const out = join(server.data, "out.webm");
    const words = [join(folder, "client.js"), server.baseUrl, server.key, sample("mascot.mp4"), out];
    const { stdout } = await run(process.execPath, words);
    assert.equal(stdout, "completed webm 0\n");
    assert.deepEqual([...(await readFile(out)).subarray(0, 4)], [0x1a, 0x45, 0xdf, 0xa3]);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
});

test("the API key, the errors and the fields that may be left out are typed", async () => {
  const document = JSON.parse(await readFile(join(root, "openapi.json"), "utf8"));
  const { schemas, securitySchemes } = document.components;
  assert.equal(securitySchemes.key.scheme, "bearer");
  assert.ok(schemas.ErrorCode.enum.includes("INVALID_FPS"));
  assert.equal(schemas.SubmitForm.required, undefined);
  assert.ok(schemas.Job.required.includes("eventsUrl"));
});
