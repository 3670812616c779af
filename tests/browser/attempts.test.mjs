// What was made and set on the page stays: attempts beside a result, options of each clip, what could not be sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "../server/harness.mjs";
import { assertAccessible, drop, host, pixelsOf, quick } from "./visit.mjs";

const CUT_MS = 120_000;
const { come, theServer } = host();

const cutButton = "cut-options button[type=submit]";
const tolerance = "cut-options input[aria-describedby$='-ends']";
const done = (name) => `clip-card[data-state=done]:has-text("${name}")`;
/** The card of a clip that was dropped just now; other tests may have left results of the same name. */
const draft = (name) => `clip-card[data-state=draft]:has-text("${name}")`;

/** Moves a slider, once it is there. */
const slide = async (page, selector, value) => {
  await page.waitForSelector(selector);
  await page.evaluate(
    ([selector, value]) => {
      const range = document.querySelector(selector);
      range.value = value;
      range.dispatchEvent(new Event("input"));
    },
    [selector, value],
  );
};

/** A visit whose cuts are small. */
async function comeQuickly(options, settings = {}) {
  const visited = await come(options);
  await quick(visited.context, { formats: ["webm"], size: "64", ...settings });
  await visited.page.reload();
  await visited.page.waitForSelector("clip-drop");
  return visited;
}

/** The fields of each submit from now on, until the page is loaded again. */
async function submits(page) {
  await page.evaluate(() => {
    globalThis.sent = [];
    const { send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.send = function (body) {
      if (body instanceof FormData) globalThis.sent.push(Object.fromEntries(body));
      return send.call(this, body);
    };
  });
  return () => page.evaluate(() => globalThis.sent.splice(0));
}

test("other options open an attempt beside the result, and the two are compared", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await comeQuickly();
  await drop(page, ["mascot.mp4"]);
  await page.click(cutButton);
  await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
  assert.equal(await page.locator("attempt-bar button").count(), 0);
  await page.click("text=Other options");
  await page.waitForSelector(cutButton);
  assert.equal(await page.locator(done("mascot.mp4")).count(), 1);
  await page.click("text=Back to result");
  await page.waitForSelector("cut-result clearcut-video");
  // The same draft, with what was set.
  await page.click("text=Other options");
  await slide(page, tolerance, "80");
  await page.click("text=Back to result");
  await page.click("text=Other options");
  assert.equal(await page.inputValue(tolerance), "80");
  assert.equal(await page.locator("clip-card").count(), 2);
  await page.click(cutButton);
  await page.waitForSelector("attempt-bar [aria-current]:has-text('Attempt 2Done')", { timeout: CUT_MS });
  await page.waitForSelector("cut-result clearcut-video");
  await page.waitForSelector(".sheet.has-before .before", { state: "attached" });

  await page.click(".pill:has-text('Compare')");
  await page.selectOption("select[aria-label='Compare with']", "attempt 1");
  await page.waitForSelector(".before.is-cut clearcut-video");
  await assertAccessible(page, "two attempts that are compared");
  const boxes = () =>
    page.evaluate(() => [".before", ".cut"].map((at) => document.querySelector(at).getBoundingClientRect().left));
  await page.click(".pill:has-text('Side by side')");
  const [left, right] = await boxes();
  assert.ok(right > left + 30, `they lie at ${left} and ${right}`);
  await page.evaluate(() => document.querySelector(".cut clearcut-video").pause());
  await page.waitForFunction(() => {
    const [one, other] = [".before", ".cut"].map((at) => document.querySelector(`${at} clearcut-video`));
    return one.paused && Math.abs(one.currentTime - other.currentTime) < 0.01;
  });
  await page.click(".pill:has-text('Difference')");
  const [corner] = await pixelsOf(page, ".sheet", [[0.02, 0.02]]);
  assert.ok(Math.max(...corner.slice(0, 3)) <= 12, `both are clear in the corner, and it is ${corner}`);
  await page.click(".pill:has-text('A/B')");
  const seen = () => page.evaluate(() => getComputedStyle(document.querySelector(".before")).visibility);
  assert.equal(await seen(), "hidden");
  await page.click("text=Show the other");
  assert.equal(await seen(), "visible");
  await page.click("attempt-bar button >> nth=0");
  await page.waitForSelector("attempt-bar button[aria-current] >> text=Attempt 1");
  assert.deepEqual(complaints, []);
});

test("a clip keeps its options, and each is sent with its own, but not what was refused", {
  timeout: CUT_MS,
}, async () => {
  const { page, complaints } = await comeQuickly();
  const sent = await submits(page);
  await drop(page, ["mascot.mp4", "ghost.mp4", "notes.txt"], { "notes.txt": "These are my notes." });
  await page.click("clip-card:has-text('notes.txt')");
  assert.equal(await page.innerText(cutButton), "Cut this clip");
  await page.click(cutButton);
  await page.waitForSelector("cut-actions .problem:not([hidden])");
  assert.equal(await page.innerText("cut-actions .actions"), "Cut this clip\nCut all 2\nApply to all\nDiscard");
  await page.click("clip-card:has-text('mascot.mp4')");
  await slide(page, tolerance, "60");
  await page.click("clip-card:has-text('ghost.mp4')");
  assert.equal(await page.inputValue(tolerance), "30");
  await page.click("clip-card:has-text('mascot.mp4')");
  assert.equal(await page.inputValue(tolerance), "60");
  await sent();
  await page.click("text=Cut all 2");
  await page.waitForSelector(done("mascot.mp4"), { timeout: CUT_MS });
  await page.waitForSelector(done("ghost.mp4"), { timeout: CUT_MS });
  const tolerances = (await sent()).map((fields) => fields.tolerance).sort();
  assert.deepEqual(tolerances, ["30", "60"]);
  assert.equal(await page.locator("clip-card:has-text('notes.txt')").getAttribute("data-state"), "failed");
  assert.deepEqual(complaints, []);
});

test("one click gives the options of a clip to all, and the clip still takes others", async () => {
  const { page, complaints } = await comeQuickly();
  await drop(page, ["mascot.mp4", "ghost.mp4"]);
  await page.click(draft("mascot.mp4"));
  await slide(page, tolerance, "75");
  await page.click("text=Apply to all");
  await page.waitForSelector("cut-actions >> text=All clips have these options now");
  await slide(page, tolerance, "20");
  await page.click(draft("ghost.mp4"));
  assert.equal(await page.inputValue(tolerance), "75");
  await page.click(draft("mascot.mp4"));
  assert.equal(await page.inputValue(tolerance), "20");
  assert.deepEqual(complaints, []);
});

test("after a reload a clip is compared with its original and cut again with its options", {
  timeout: CUT_MS,
}, async () => {
  const own = await startServer();
  try {
    const { page, complaints } = await comeQuickly({ to: own });
    await drop(page, ["mascot.mp4"]);
    await slide(page, tolerance, "45");
    await page.click(cutButton);
    await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
    await page.reload();
    await page.click(done("mascot.mp4"));
    await page.waitForSelector(".sheet.has-before .before", { state: "attached" });
    assert.match(await page.innerText("result-head"), /Kept until \w+/);
    await page.click(".pill:has-text('Original')");
    const [corner] = await pixelsOf(page, ".sheet", [[0.02, 0.04]]);
    assert.ok(corner[0] > 180 && corner[1] < 90, `the original’s corner is ${corner}, not magenta`);
    await page.click("text=Other options");
    await page.waitForSelector("clip-frame canvas:not([hidden])");
    assert.equal(await page.inputValue(tolerance), "45");
    await slide(page, tolerance, "20");
    await page.click(cutButton);
    await page.waitForSelector("attempt-bar [aria-current]:has-text('Attempt 2Done')", { timeout: CUT_MS });
    // Also after another reload, they are attempts at the same.
    await page.reload();
    await page.waitForSelector("clip-card:has-text('Attempt 2')");
    assert.deepEqual(complaints, []);
  } finally {
    await own.stop();
  }
});

test("what is discarded can be taken back, and a result is removed only after a question", {
  timeout: CUT_MS,
}, async () => {
  const { page, complaints } = await comeQuickly();
  await drop(page, ["dancer.mp4"]);
  await slide(page, tolerance, "55");
  await page.click("text=Discard");
  await page.waitForSelector("undo-notice:not([hidden])");
  assert.equal(await page.locator("clip-card:has-text('dancer.mp4')").count(), 0);
  await assertAccessible(page, "a clip that was discarded");
  await page.click("text=Undo");
  await page.waitForSelector("cut-options");
  assert.equal(await page.inputValue(tolerance), "55");
  await page.click(cutButton);
  await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
  await page.click("cut-result >> text=Remove");
  await page.waitForSelector("dialog[open]");
  await assertAccessible(page, "the question before a removal");
  await page.click("dialog >> text=Keep");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.equal(await page.locator(done("dancer.mp4")).count(), 1);
  await page.click("cut-result >> text=Remove");
  await page.click("dialog >> text=Remove >> nth=-1");
  await page.waitForSelector(done("dancer.mp4"), { state: "detached" });
  assert.deepEqual(complaints, []);
});

test("what could not be sent is sent when the line is back, and once", { timeout: CUT_MS }, async () => {
  const own = await startServer();
  try {
    const { page, context } = await comeQuickly({ to: own });
    await drop(page, ["mascot.mp4"]);
    // The server accepts the job, and its answer is lost; then the line is down.
    let tries = 0;
    await page.route("**/jobs/video/remove-background", async (route) => {
      tries += 1;
      if (tries > 1) return route.continue();
      await route.fetch();
      await context.setOffline(true);
      await route.abort("connectionfailed");
    });
    await page.click(cutButton);
    await page.waitForSelector("cut-progress >> text=Not sent yet");
    await context.setOffline(false);
    await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
    const headers = { authorization: `Bearer ${own.key}` };
    const { data } = await (await fetch(`${own.baseUrl}/api/v1/jobs`, { headers })).json();
    assert.deepEqual([data.jobs.length, tries], [1, 2]);
  } finally {
    await own.stop();
  }
});

test("a retry whose answer is lost makes one job", { timeout: CUT_MS }, async () => {
  const own = await startServer();
  try {
    const { page } = await comeQuickly({ to: own }, { size: "", formats: ["webm", "stacked-alpha", "apng", "mov"] });
    await drop(page, ["dancer.mp4"]);
    await page.click(cutButton);
    await page.waitForSelector("clip-card[data-state=working]", { timeout: CUT_MS });
    await page.click("cut-progress >> text=Cancel");
    await page.waitForSelector("clip-card[data-state=cancelled]");
    let tries = 0;
    await page.route("**/retry", async (route) => {
      tries += 1;
      if (tries > 1) return route.continue();
      await route.fetch();
      await route.abort("connectionfailed");
    });
    await page.click("cut-progress >> text=Try again");
    await page.waitForSelector("clip-card:is([data-state=waiting], [data-state=working])", { timeout: CUT_MS });
    const headers = { authorization: `Bearer ${own.key}` };
    const { data } = await (await fetch(`${own.baseUrl}/api/v1/jobs`, { headers })).json();
    assert.deepEqual([data.jobs.length, tries], [2, 2]);
  } finally {
    await own.stop();
  }
});

test("the page asks before it forgets what it is sending, or what is not cut yet", async () => {
  const { page } = await comeQuickly();
  await page.route("**/jobs/video/remove-background", () => {});
  await drop(page, ["mascot.mp4"]);
  await page.click("text=Sign out");
  await page.waitForSelector("dialog >> text=not cut yet");
  await page.click("dialog >> text=Stay");
  await page.click(cutButton);
  await page.waitForSelector("clip-card[data-state=sending]");
  let asked = false;
  page.on("dialog", (dialog) => {
    asked = dialog.type() === "beforeunload";
    dialog.accept();
  });
  await page.reload();
  assert.ok(asked, "the page was left without a question");
  assert.ok(theServer().baseUrl);
});
