// The page by keyboard alone, and what a screen reader is told, in an untouched Chromium, against the real binary.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, drop, host, quick } from "./visit.mjs";

const CUT_MS = 120_000;
const { come } = host();

const cutButton = "cut-options button[type=submit]";

test("the focus goes on to what came next, and what ended is said", { timeout: CUT_MS }, async () => {
  const { page, context, complaints } = await come();
  await quick(context, { formats: ["webm"], size: "64" });
  await page.reload();
  await page.waitForSelector("clip-drop");
  const focused = (selector) =>
    page.waitForFunction((selector) => document.activeElement?.matches(selector), selector, { timeout: CUT_MS });
  await drop(page, ["mascot.mp4", "ghost.mp4"]);
  await focused("cut-options h2");
  await page.focus(cutButton);
  await page.keyboard.press("Enter");
  await focused("cut-progress .job-stage, cut-result h2");
  await focused("cut-result h2");
  await page.waitForSelector("main > [role=status]:has-text('mascot.mp4: Done')", { state: "attached" });

  // The question gives the focus back; the removal leads to what is left.
  await page.focus("cut-result >> text=Remove");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await focused("result-head button");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await focused("cut-options h2");
  await page.focus("cut-options >> text=Discard");
  await page.keyboard.press("Enter");
  await focused("clip-drop input");
  assert.deepEqual(complaints, []);
});

test("Space and the arrows play and step, and the keys are listed under ?", { timeout: CUT_MS }, async () => {
  const { page, context, complaints } = await come();
  await quick(context, { formats: ["webm"], size: "64" });
  await page.reload();
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.mp4"]);
  await page.click(cutButton);
  await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
  const isPaused = (paused) =>
    page.waitForFunction((paused) => document.querySelector("clearcut-video").paused === paused, paused);
  await isPaused(false);
  await page.focus(".view");
  await page.keyboard.press("Space");
  await isPaused(true);
  await page.keyboard.press("Home");
  const frame = (number) =>
    page.waitForFunction(
      (number) => document.querySelector(".time").textContent.includes(`frame ${number} of`),
      number,
    );
  await frame(1);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await frame(3);
  await page.keyboard.press("Shift+ArrowRight");
  await frame(13);
  await page.keyboard.press("ArrowLeft");
  await frame(12);
  await page.keyboard.press("3");
  assert.equal(await page.getAttribute(".sheet", "data-show"), "matte");
  await page.keyboard.press("+");
  assert.equal(await page.getAttribute(".view", "data-zoom"), "1");
  await page.keyboard.press("0");
  assert.equal(await page.getAttribute(".view", "data-zoom"), "fit");
  await page.keyboard.press("Space");
  await isPaused(false);

  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open] >> text=Keyboard shortcuts");
  await assertAccessible(page, "the keyboard shortcuts");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  // A question mark in a text is one.
  await page.click("clip-drop summary");
  await page.type("clip-drop input[type=url]", "https://a.example/?");
  assert.equal(await page.locator("dialog").count(), 0);
  assert.deepEqual(complaints, []);
});
