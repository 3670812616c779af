// The playground, in an untouched Chromium: a request, its reply, and the same request in code that runs.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { mascot } from "../sdk/pictures.mjs";
import { sample } from "../server/harness.mjs";
import { assertAccessible, host } from "./visit.mjs";

const run = promisify(execFile);
const { come, theServer } = host();

test("a request is sent and shown with its reply, and its lines in code do the same", {
  timeout: 120_000,
}, async () => {
  const { page, complaints } = await come({ path: "/playground" });
  await page.waitForSelector("form.panel select");
  await assertAccessible(page, "the playground");
  await page.setInputFiles("input[name=file]", sample("mascot.mp4"));
  await page.selectOption("select[name=format]", "webm");
  await page.fill("input[name=size]", "64");
  await page.click("button[type=submit]");
  await page.waitForFunction(() => /^202/.test(document.querySelector("p[role=status]").textContent));
  const reply = async () => JSON.parse(await page.innerText("section > pre code"));
  const first = await reply();
  assert.deepEqual(first.data.warnings, []);

  const { key } = theServer();
  const options = { cwd: dirname(sample("mascot.mp4")), env: { ...process.env, CLEARCUT_KEY: key } };
  const { stdout } = await run("sh", ["-c", await page.innerText("code-tabs code")], options);
  assert.equal(JSON.parse(stdout).data.status, "queued");
  await page.click("code-tabs [role=tab]:has-text('TypeScript')");
  const script = ["--input-type=module", "-e", await page.innerText("code-tabs code")];
  assert.match((await run(process.execPath, script, options)).stdout, /^202 [\s\S]*status: 'queued'/);

  // The id of the job is there for the next request.
  await page.selectOption("form.panel select >> nth=0", "getJob");
  assert.equal(await page.inputValue("input[name=jobId]"), first.data.jobId);
  await page.click("button[type=submit]");
  await page.waitForFunction(() => /^200/.test(document.querySelector("p[role=status]").textContent));
  assert.equal((await reply()).data.jobId, first.data.jobId);

  // Several files of one field, one of which the server knows to be no image.
  await page.selectOption("form.panel select >> nth=0", "submitImageJob");
  const files = [mascot(), Buffer.from("These are my notes.")].map((buffer, at) => ({
    name: `${at}.png`,
    mimeType: "image/png",
    buffer,
  }));
  await page.setInputFiles("input[name=file]", files);
  assert.match(await page.innerText("code-tabs code"), /"0.png"[\s\S]*"1.png"/);
  await page.click("button[type=submit]");
  await page.waitForFunction(() => /^202/.test(document.querySelector("p[role=status]").textContent));
  assert.deepEqual(complaints, []);
});
