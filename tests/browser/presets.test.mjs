// Presets on the page at /, in an untouched Chromium, against the real binary.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "../server/harness.mjs";
import { assertAccessible, drop, host } from "./visit.mjs";

const CUT_MS = 120_000;
const { come } = host();

test("a preset takes the place of what it sets, and its file lies beside the clip with margins", {
  timeout: CUT_MS,
}, async () => {
  const own = await startServer();
  try {
    const { page, complaints } = await come({ to: own });
    await page.waitForSelector("clip-drop");
    await drop(page, ["mascot.mp4"]);
    await page.click("cut-options .more summary");
    assert.ok(await page.isVisible("input[name=maxBytes]"));
    await page.fill("input[name=crop]", "0,0,720,360");
    await page.selectOption("select[name=preset]", "discord-emoji");
    assert.equal(await page.isVisible("select[name=fps]"), false);
    assert.equal(await page.isVisible("input[name=formats]"), false);
    await assertAccessible(page, "the options with a preset");
    await page.click("cut-options button[type=submit]");
    await page.waitForSelector("cut-result code-samples", { timeout: CUT_MS });
    await page.waitForSelector("cut-result >> text=/discord-emoji: \\d+ of 256 KB/i");
    assert.match(await page.textContent("code-samples"), /preset=discord-emoji/);
    await page.click("text=Command line");
    assert.match(await page.innerText("code-samples pre"), /^clearcut cut mascot.mp4 --preset discord-emoji --crop/m);
    assert.deepEqual(complaints, []);
  } finally {
    await own.stop();
  }
});

test("the edges of a GIF are mixed with a color, and only those of a GIF", { timeout: CUT_MS }, async () => {
  const own = await startServer();
  try {
    const { page, complaints } = await come({ to: own });
    await page.waitForSelector("clip-drop");
    await drop(page, ["mascot.mp4"]);
    await page.click("cut-options .more summary");
    assert.equal(await page.isVisible("select[name=edge]"), false);
    await page.uncheck("input[value=webm]");
    await page.uncheck("input[value=stacked-alpha]");
    await page.check("input[value=gif]");
    await page.selectOption("select[name=edge]", "color");
    await page.fill("input[name=edge-color]", "#ffeedd");
    await assertAccessible(page, "the options of a GIF");
    await page.click("cut-options button[type=submit]");
    await page.waitForSelector("cut-result code-samples", { timeout: CUT_MS });
    assert.match(await page.textContent("code-samples"), /edgeColor=#ffeedd/);
    await page.click("text=Command line");
    assert.match(await page.innerText("code-samples pre"), /--edge-color '#ffeedd'/);
    assert.deepEqual(complaints, []);
  } finally {
    await own.stop();
  }
});
