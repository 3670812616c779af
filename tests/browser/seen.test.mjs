// What the page shows first, and what it says while it works, in an untouched Chromium, against the real binary.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/harness.mjs";
import { downloaded, drop, host, pixelsOf, quick } from "./visit.mjs";

const CUT_MS = 120_000;
const { come, theServer } = host();

const cutButton = "cut-options button[type=submit]";

/** A visit to a clip that was cut small. */
async function comeToResult(options, settings = {}, clip = "mascot.mp4") {
  const visited = await come(options);
  const { page, context } = visited;
  await quick(context, { formats: ["webm"], size: "128", ...settings });
  await page.reload();
  await page.waitForSelector("clip-drop");
  await drop(page, [clip]);
  await page.click(cutButton);
  await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
  return visited;
}

test("the cut is seen first, over a backdrop of choice; a switch shows the original and the matte", {
  timeout: CUT_MS,
}, async () => {
  const { page, complaints } = await comeToResult();
  await page.waitForSelector(".sheet.has-before .before", { state: "attached" });
  await page.evaluate(() => document.querySelector("clearcut-video").pause());
  const corners = async () =>
    pixelsOf(page, ".sheet", [
      [0.02, 0.04],
      [0.98, 0.04],
    ]);
  const isGray = ([red, green, blue]) => Math.abs(red - green) <= 2 && Math.abs(green - blue) <= 2 && green > 200;
  assert.ok((await corners()).every(isGray), `the corners are ${await corners()}, not a checkerboard`);
  await page.click(".pill:has([value=black])");
  assert.ok((await corners()).every((color) => Math.max(...color.slice(0, 3)) <= 3));
  await page.click("cut-viewer .pill:has([value=original])");
  assert.ok(
    (await corners()).every(([red, green]) => red > 180 && green < 90),
    `${await corners()} is not magenta`,
  );
  await page.click("cut-viewer .pill:has([value=matte])");
  const [inside] = await pixelsOf(page, ".sheet", [[0.53, 0.74]]);
  assert.ok(Math.min(...inside.slice(0, 3)) >= 250, `inside is ${inside}`);
  assert.deepEqual(complaints, []);
});

test("a double click zooms at the pointer, and dragging moves the picture", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await comeToResult({}, { size: "", formats: ["webm"] });
  const place = () =>
    page.evaluate(() => {
      const { left, top, width, height } = document.querySelector(".sheet").getBoundingClientRect();
      return { left, top, width, height };
    });
  await page.locator(".view").scrollIntoViewIfNeeded();
  const before = await place();
  const [x, y] = [before.left + 0.7 * before.width, before.top + 0.6 * before.height];
  await page.mouse.dblclick(x, y);
  assert.equal(await page.getAttribute(".view", "data-zoom"), "2");
  assert.equal(await page.isChecked(".pill:has-text('200 %') input"), true);
  const after = await place();
  const at = [(x - after.left) / after.width, (y - after.top) / after.height];
  assert.ok(Math.abs(at[0] - 0.7) < 0.02 && Math.abs(at[1] - 0.6) < 0.02, `the pointer is over ${at}`);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 40, y - 30, { steps: 4 });
  await page.mouse.up();
  const moved = await place();
  assert.deepEqual([Math.round(after.left - moved.left), Math.round(after.top - moved.top)], [40, 30]);
  assert.deepEqual(complaints, []);
});

for (const [width, height] of [
  [1280, 800],
  [390, 844],
]) {
  test(`the main button is in view at ${width} × ${height}, with what went wrong`, { timeout: CUT_MS }, async () => {
    const { page } = await come({ viewport: { width, height } });
    await page.waitForSelector("clip-drop");
    const isInView = (selector) =>
      page.evaluate((selector) => {
        const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
      }, selector);
    await drop(page, ["notes.txt"], { "notes.txt": "These are my notes." });
    await page.waitForSelector("cut-options");
    await page.evaluate(() => scrollTo(0, 0));
    assert.ok(await isInView(cutButton), "the button is out of view");
    await page.click("cut-options .more summary");
    await page.evaluate(() => scrollTo(0, 300));
    assert.ok(await isInView(cutButton), "the button is out of view with more options");
    await page.click(cutButton);
    await page.waitForSelector("cut-actions .problem:not([hidden])");
    assert.ok(await isInView("cut-actions .problem"), "what went wrong is out of view");
  });
}

test("a file within its limit says so, and all files come as one ZIP", { timeout: CUT_MS }, async () => {
  const settings = { formats: ["webm", "apng"], maxBytes: "256KB", size: "64" };
  const { page, complaints } = await comeToResult({}, settings);
  assert.match(await page.innerText(".files li >> nth=0"), /WebM\s*\d+ of 256 KB ✓/);
  const [name, bytes] = await downloaded(page, "result-head >> text=Download all");
  assert.equal(name, "mascot.zip");
  const path = join(theServer().data, "all.zip");
  await writeFile(path, bytes);
  const list = execFileSync("python3", [
    "-c",
    "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), *sorted(z.namelist()))",
    path,
  ]);
  assert.equal(list.toString().trim(), "None mascot.apng mascot.webm");
  assert.deepEqual(complaints, []);
});

test("the title says how far the work is", { timeout: CUT_MS }, async () => {
  const { page, context } = await come();
  await quick(context, { formats: ["webm"] });
  await page.reload();
  await page.waitForSelector("clip-drop");
  const title = await page.title();
  await page.evaluate(() => {
    window.titles = [];
    new MutationObserver(() => window.titles.push(document.title)).observe(document.querySelector("title"), {
      childList: true,
    });
  });
  await drop(page, ["mascot.mp4"]);
  await page.click(cutButton);
  await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
  const titles = await page.evaluate(() => window.titles);
  assert.ok(
    titles.some((said) => /^\d+ % · mascot.mp4 – clearcut$/.test(said)),
    `${titles}`,
  );
  assert.equal(await page.title(), title);
});

test("places in the line are true, also when one before them leaves", { timeout: CUT_MS }, async () => {
  const own = await startServer(["--slots", "1"]);
  try {
    const { page, context } = await come({ to: own });
    await quick(context, { size: "", formats: ["webm", "stacked-alpha", "apng", "mov"] });
    await page.reload();
    await page.waitForSelector("clip-drop");
    await drop(page, ["dancer.mp4", "mascot.mp4", "ghost.mp4", "wheel.mp4"]);
    await page.click("text=Cut all 4");
    const places = () =>
      page.evaluate(() =>
        [...document.querySelectorAll(".card-state")].flatMap(
          (state) => state.textContent.match(/number (\d)/)?.[1] ?? [],
        ),
      );
    await page.waitForFunction(
      () =>
        document.querySelectorAll("clip-card[data-state=waiting]").length >= 3 &&
        /number 3/.test(document.body.innerText),
    );
    // The one that is second in line leaves it.
    await page.click("clip-card:has-text('number 2')");
    await page.click("cut-progress >> text=Cancel");
    await page.waitForFunction(() => !/number 3/.test(document.body.innerText));
    const now = await places();
    assert.equal(new Set(now).size, now.length, `places ${now}`);
    // A cancelled clip is no error.
    assert.equal(await page.locator("clip-card[data-state=failed]").count(), 0);
    await page.waitForSelector("clip-card[data-state=cancelled]");
  } finally {
    await own.stop();
  }
});

test("the history has pictures, names and times", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await comeToResult({}, { size: "64" }, "ghost.mp4");
  await page.waitForSelector("clip-card:has-text('ghost.mp4') .card-picture:not([hidden])");
  await page.reload();
  const card = "clip-card:has-text('ghost.mp4')";
  await page.waitForSelector(`${card} .card-picture:not([hidden])`);
  assert.match(await page.innerText(`${card} >> nth=0`), /ghost\.mp4\s+Done.* · \d+:\d\d/);
  // Somebody else may sign in next.
  await page.click("text=Sign out");
  await page.waitForSelector("key-prompt");
  assert.doesNotMatch(await page.evaluate(() => localStorage.getItem("clearcut.jobs")), /data:image/);
  assert.deepEqual(complaints, []);
});

test("a background color is shown once it was measured, and a tolerance where it has an effect", async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.mp4"]);
  await page.waitForSelector("background-field input.is-unset");
  await page.click("frame-preview .pill:has-text('Cut')");
  await page.waitForSelector("background-field input:not(.is-unset)");
  assert.match(await page.inputValue("background-field input"), /^#[d-f]/);
  assert.equal(await page.isVisible("input[name=tolerance]"), true);
  await page.route("**/preview", async (route) => {
    const reply = await route.fetch();
    const body = await reply.json();
    Object.assign(body.data, { processingMethod: "ai", detectedBackgroundColor: null });
    await route.fulfill({ response: reply, json: body });
  });
  await page.locator("input[name=tolerance]").press("ArrowRight");
  await page.waitForSelector("input[name=tolerance]", { state: "hidden" });
  assert.deepEqual(complaints, []);
});
