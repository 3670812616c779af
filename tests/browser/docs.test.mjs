// The interactive documentation, in an untouched Chromium: a request with only a file chosen is accepted.
import assert from "node:assert/strict";
import { test } from "node:test";

import { sample } from "../server/harness.mjs";
import { host } from "./visit.mjs";

const { come, theServer } = host();

test("“Try it out” sends only what was chosen, and its reply can be followed", { timeout: 120_000 }, async () => {
  const { page, complaints } = await come({ path: "/docs/" });
  const { key } = theServer();
  await page.evaluate((key) => {
    const scheme = { type: "http", scheme: "bearer" };
    localStorage.setItem("authorized", JSON.stringify({ key: { name: "key", schema: scheme, value: key } }));
  }, key);
  await page.goto(`${page.url()}#/jobs/submitVideoJob`);
  await page.reload();
  const operation = page.locator("#operations-jobs-submitVideoJob");
  const fields = operation.locator("tr[data-property-name]");
  await fields.first().waitFor();
  const typed = await fields.locator("input:not([type=file]):not([type=checkbox]), textarea, select").all();
  assert.ok(typed.length > 12, `${typed.length} fields`);
  for (const field of typed) assert.equal(await field.inputValue(), "");
  await operation.locator("input[type=file]").setInputFiles(sample("mascot.mp4"));
  await operation.locator("button.execute").click();
  const reply = operation.locator(".live-responses-table .response");
  await reply.waitFor();
  assert.equal(await reply.locator(".response-col_status").first().innerText(), "202");
  const { data } = JSON.parse(await reply.locator(".highlight-code code, .microlight").first().innerText());
  assert.deepEqual(data.warnings, []);
  const first = await page.evaluate(
    (url) =>
      new Promise((seen) => {
        const source = new EventSource(url);
        source.onmessage = ({ data }) => {
          source.close();
          seen(JSON.parse(data).jobId);
        };
      }),
    data.eventsUrl,
  );
  assert.equal(first, data.jobId);
  assert.deepEqual(complaints, []);
});
