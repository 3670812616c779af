// Signing in to the page, in an untouched Chromium, against the real binary.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { binary, startServer } from "../server/harness.mjs";
import { assertAccessible, drop, host } from "./visit.mjs";

const run = promisify(execFile);
const { come, theServer } = host();

test("a fresh server’s link signs in once, and leaves nothing in the address", { timeout: 120_000 }, async () => {
  const fresh = await startServer();
  try {
    const link = fresh.said.match(/http:\S+#sign-in=\w+/)[0];
    const path = link.slice(fresh.baseUrl.length);
    const first = await come({ to: fresh, key: null, path });
    await first.page.waitForSelector("clip-drop");
    assert.equal(first.page.url(), `${fresh.baseUrl}/`);
    assert.equal(await first.page.evaluate(() => localStorage.getItem("clearcut.key")), fresh.key);
    await first.page.reload();
    await first.page.waitForSelector("clip-drop");
    const second = await come({ to: fresh, key: null, path });
    await second.page.waitForSelector("key-prompt");
    assert.match(await second.page.innerText("key-prompt [role=alert]"), /was used or has expired/);
    assert.deepEqual([...first.complaints, ...second.complaints], []);
  } finally {
    await fresh.stop();
  }
});

test("elsewhere a key is pasted; a bad one is explained, a good one stays", async () => {
  const { page, complaints } = await come({ key: null });
  await page.waitForSelector("key-prompt");
  await assertAccessible(page, "the prompt for a key");
  await page.fill("key-prompt input", "hc_short");
  await page.click("key-prompt button");
  await page.waitForFunction(() => /32 letters or digits/.test(document.querySelector("[role=alert]").textContent));
  await page.fill("key-prompt input", `hc_${"0".repeat(32)}`);
  await page.click("key-prompt button");
  await page.waitForFunction(() =>
    /isn't valid on this server/.test(document.querySelector("[role=alert]").textContent),
  );
  await page.fill("key-prompt input", theServer().key);
  await page.click("key-prompt button");
  await page.waitForSelector("clip-drop");
  await page.reload();
  await page.waitForSelector("clip-drop");
  assert.deepEqual(complaints, []);
});

test("a key that is revoked while it is used leads back to the prompt, with the reason", {
  timeout: 120_000,
}, async () => {
  const { stdout } = await run(binary, ["keys", "create", "--data", theServer().data, "--name", "short-lived"]);
  const key = stdout.match(/hc_[A-Za-z0-9]{32}/)[0];
  const { page } = await come({ key });
  await page.waitForSelector("clip-drop");
  const { stdout: list } = await run(binary, ["keys", "list", "--data", theServer().data]);
  const id = list
    .split("\n")
    .find((line) => line.includes("short-lived"))
    .trim()
    .split(/\s+/)[0];
  await run(binary, ["keys", "revoke", id, "--data", theServer().data]);
  await drop(page, ["mascot.mp4"]);
  await page.click("cut-options button[type=submit]");
  await page.waitForSelector("key-prompt");
  assert.match(await page.innerText("key-prompt [role=alert]"), /no longer valid/);
  assert.equal(await page.evaluate(() => localStorage.getItem("clearcut.key")), null);
});
