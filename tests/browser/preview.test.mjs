// The preview on the page at /, in an untouched Chromium, against the real binary.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../server/harness.mjs";
import { assertAccessible, drop, host, pixelsOf } from "./visit.mjs";

const CUT_MS = 120_000;
const { come } = host();

const centre = async (page, selector, [x, y]) => {
  const { width, height } = await page.locator(selector).boundingBox();
  return { x: x * width, y: y * height };
};

const cutButton = "cut-options button[type=submit]";

/** What is said of jobs, usage and uploads of `own`, by its owner. */
const read = async (own, path) => {
  const reply = await fetch(`${own.baseUrl}/api/v1${path}`, { headers: { authorization: `Bearer ${own.key}` } });
  return (await reply.json()).data;
};

/** Drags a slider over `values`, in one go however slow the machine is. */
const slide = (page, selector, ...values) =>
  page.evaluate(
    ([selector, values]) => {
      const range = document.querySelector(selector);
      for (const value of values) {
        range.value = value;
        range.dispatchEvent(new Event("input"));
      }
    },
    [selector, values],
  );

test("a frame is shown cut and as a matte while options and time change, and nothing of it is kept", {
  timeout: CUT_MS,
}, async () => {
  const own = await startServer();
  try {
    const { page, complaints } = await come({ to: own });
    await page.waitForSelector("clip-drop");
    const sent = [];
    page.on("request", (request) => {
      if (request.method() !== "GET") sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    await drop(page, ["mascot.mp4"]);
    const shown = (before) =>
      page.waitForFunction((before) => {
        const cut = document.querySelector("img.preview");
        return (
          !cut.hidden &&
          cut.src !== before &&
          /^The background is/.test(cut.closest("frame-preview").innerText.match(/The background is.*/)?.[0] ?? "")
        );
      }, before);
    const source = () => page.getAttribute("img.preview", "src");
    await page.click("frame-preview .pill:has-text('Cut')");
    await shown("");
    await assertAccessible(page, "the preview");
    assert.match(await page.innerText("frame-preview [role=status]"), /#[0-9A-F]{6}, on \d+ % of the clip’s border/);
    const points = [
      [0.03, 0.03],
      [0.53, 0.74],
    ];
    const [corner, belly] = await pixelsOf(page, ".frame-box", points);
    assert.ok(Math.abs(corner[0] - corner[1]) <= 2 && corner[1] > 200, `the corner is ${corner}, not a checkerboard`);
    assert.ok(belly[0] > 200 && belly[2] < 90, `the belly is ${belly}, not yellow`);
    await page.click("frame-preview .pill:has-text('Matte')");
    const [clear, solid] = await pixelsOf(page, ".frame-box", points);
    assert.ok(clear[0] <= 3 && solid[0] >= 252 && solid[2] >= 252, `the matte is ${clear} and ${solid}`);

    // The slider of the tolerance, dragged: only the place where it rests is asked for.
    let before = await source();
    await slide(page, "cut-options input[aria-describedby]", "60", "80", "95", "100");
    await shown(before);
    before = await source();
    await slide(page, "cut-options input[aria-describedby]", "0");
    await shown(before);

    // Another time.
    before = await source();
    await slide(page, ".time-slider input", "1.5");
    await shown(before);
    assert.equal(await page.innerText(".time-slider output"), "0:01.50");

    // The color of the belly as the key: what was solid goes.
    before = await source();
    await slide(page, ".time-slider input", "0");
    await shown(before);
    before = await source();
    await page.click("frame-preview .pill:has-text('Original')");
    await page.click("clip-frame canvas", { position: await centre(page, "clip-frame canvas", points[1]) });
    await page.click("frame-preview .pill:has-text('Matte')");
    await shown(before);
    const [, keyed] = await pixelsOf(page, ".frame-box", points);
    assert.ok(keyed[0] <= 3, `the belly is ${keyed} though it was keyed`);

    // The clip went once; there is no job, and no cost.
    assert.equal(sent.filter((request) => request.startsWith("PUT /api/v1/uploads/")).length, 1, `${sent}`);
    assert.equal(sent.filter((request) => request.endsWith("/preview")).length, 6, `${sent}`);
    assert.deepEqual((await read(own, "/jobs")).jobs, []);
    assert.deepEqual((await read(own, "/usage")).days, []);

    // The cut takes what was sent, and what was sent goes with it.
    await page.click(cutButton);
    await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
    assert.equal(sent.filter((request) => request.startsWith("PUT ")).length, 1, `${sent}`);
    await page.click("cut-result >> text=Remove");
    await page.click("dialog button.primary");
    await page.waitForSelector("main.is-empty");
    await page.waitForFunction(
      async ([url, headers]) => (await (await fetch(url, { headers })).json()).data.jobs.length === 0,
      ["/api/v1/jobs", { authorization: `Bearer ${own.key}` }],
    );
    assert.ok(
      sent.some((request) => request.startsWith("DELETE /api/v1/uploads/")),
      `${sent}`,
    );
    assert.deepEqual(complaints, []);
  } finally {
    await own.stop();
  }
});

test("a part of the clip and of its frame is cut, in the size and with the sound that are chosen", {
  timeout: CUT_MS,
}, async () => {
  const own = await startServer();
  try {
    const { page, complaints } = await come({ to: own });
    await page.waitForSelector("clip-drop");
    await drop(page, ["mascot.mp4"]);
    await page.click("cut-options .more summary");
    await page.fill("input[name=trim-start]", "0.5");
    await page.fill("input[name=trim-end]", "00:00:01");
    await page.fill("input[name=crop]", "120,0,480,720");
    await page.fill("input[name=width]", "96");
    await page.fill("input[name=height]", "64");
    await page.selectOption("select[name=fit]", "cover");
    await page.selectOption("select[name=audio]", "drop");
    await assertAccessible(page, "the options for parts and sizes");
    // The preview shows the whole frame, of the part alone.
    const slider = page.locator(".time-slider input");
    assert.equal(await slider.inputValue(), "0.5");
    await slide(page, ".time-slider input", "2");
    assert.equal(await slider.inputValue(), "0.95");
    await page.click("frame-preview .pill:has-text('Cut')");
    await page.waitForSelector("img.preview:not([hidden])");
    await page.waitForSelector("frame-preview [role=status]:has-text('takes what lies in the box')");
    await page.click(cutButton);
    await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
    // Beside the cut lies what was cut: from the start of the part, cropped twice.
    await page.waitForSelector(".before video", { state: "attached" });
    await page.click("cut-viewer .pill:has([value=compare])");
    await page.evaluate(() => document.querySelector("clearcut-video").pause());
    await slide(page, ".transport input", "3");
    await page.waitForFunction(() => {
      const [clip, cut] = [".before video", "clearcut-video"].map((at) => document.querySelector(at).currentTime);
      return Math.abs(clip - cut - 0.5) < 0.01;
    });
    const [sheet, clip] = await Promise.all([".sheet", ".before video"].map((at) => page.locator(at).boundingBox()));
    const scale = sheet.width / 480;
    const place = [sheet.x - clip.x, sheet.y - clip.y, clip.width, clip.height].map((px) => Math.round(px / scale));
    assert.deepEqual(place, [120, 200, 720, 720]);
    assert.equal(await page.isVisible(".compare"), false);
    const [{ result }] = (await read(own, "/jobs")).jobs;
    assert.deepEqual([result.width, result.height, result.frameCount], [96, 64, 15]);
    const code = await page.textContent("code-samples");
    assert.match(code, /trim=0\.5,00:00:01/);
    // A job that another program has submitted: what it cuts is not known.
    await page.evaluate(() => localStorage.removeItem("clearcut.parts"));
    await page.reload();
    await page.click("clip-card button");
    await page.waitForSelector(".compare >> text=cut from another browser or program");
    assert.deepEqual(complaints, []);
  } finally {
    await own.stop();
  }
});

test("a field that is refused is shown and can be mended, and one size takes the place of another", async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.mp4"]);
  await page.click("cut-options .more summary");
  // The longer side, or width and height.
  await page.selectOption("select[name=size]", "128");
  await page.fill("input[name=width]", "96");
  await page.press("input[name=width]", "Tab");
  assert.equal(await page.inputValue("select[name=size]"), "");
  await page.selectOption("select[name=size]", "256");
  assert.equal(await page.inputValue("input[name=width]"), "");

  // As wide as what a rectangle takes.
  await page.fill("input[name=crop]", "1920, 1080, 1920, 1080");
  const isWhole = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.querySelector("input[name=crop]");
    return scrollWidth <= clientWidth;
  });
  assert.ok(isWhole, "the rectangle is cut off");
  await page.fill("input[name=crop]", "120, 0, 480, 720");

  await page.fill("input[name=trim-start]", "1.2");
  await page.fill("input[name=trim-end]", "0 .5");
  await page.click(cutButton);
  await page.waitForSelector("cut-options .problem:has-text('begins at 0:01.20 and ends at 0:00.50')");
  await page.waitForSelector("details.more[open] input[name=trim-start][aria-invalid=true]");
  await assertAccessible(page, "the options with a field that was refused");
  await page.fill("input[name=trim-start]", "0.2");
  await page.press("input[name=trim-start]", "Tab");
  await page.waitForSelector("cut-options .problem", { state: "hidden" });
  assert.equal(await page.locator("cut-options [aria-invalid]").count(), 0);

  // The code runs in a shell as it is.
  await page.click(cutButton);
  await page.waitForSelector("cut-result code-samples", { timeout: CUT_MS });
  await page.click("text=Command line");
  assert.match(await page.innerText("code-samples pre"), /--trim 0\.2,0\.5 --crop 120,0,480,720 --size 256$/m);
  assert.deepEqual(complaints, []);
});

test("an answer to what is wanted no more is not shown, and a busy server is asked again", async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  const pixel = (color) =>
    `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="${color}"/></svg>`)}`;
  let resolveFirst;
  const first = new Promise((resolve) => {
    resolveFirst = resolve;
  });
  let busy = 1;
  await page.route("**/preview", async (route) => {
    const tolerance = route
      .request()
      .postData()
      .match(/name="tolerance"\s+(\d+)/)[1];
    const answer = (status, body, headers) =>
      route.fulfill({ status, headers, contentType: "application/json", body: JSON.stringify(body) }).catch(() => {});
    if (tolerance === "30") return resolveFirst(() => answer(200, { success: true, data: preview("red") }));
    if (busy-- > 0) {
      const error = { code: "PREVIEWS_BUSY", message: "busy", details: {} };
      return answer(503, { success: false, error }, { "retry-after": "1" });
    }
    return answer(200, { success: true, data: preview("lime") });
  });
  const preview = (color) => ({
    url: pixel(color),
    width: 8,
    height: 8,
    time: 0,
    processingMethod: "chromakey",
    detectedBackgroundColor: { hex: "#00FF00" },
    confidence: 1,
    hintFrames: [],
  });
  await drop(page, ["mascot.mp4"]);
  await page.click("frame-preview .pill:has-text('Cut')");
  const answerLate = await first;
  await slide(page, "cut-options input[aria-describedby]", "60");
  await page.waitForSelector("img.preview:not([hidden])");
  await answerLate();
  const [shown] = await pixelsOf(page, "img.preview", [[0.5, 0.5]]);
  assert.ok(shown[1] > 240 && shown[0] < 20, `${shown} is not the answer to the last question`);
  assert.equal(busy, -1);
  assert.deepEqual(complaints, []);
});

test("the method is chosen, and a model takes no key color", async () => {
  const { page, context, complaints } = await come();
  await page.route("**/readyz", (route) =>
    route.fulfill({ json: { success: true, data: { checks: [{ name: "network", detail: "u2netp with rten" }] } } }),
  );
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.mp4"]);
  await page.waitForSelector("clip-frame canvas:not([hidden])");
  await page.click("clip-frame canvas", { position: { x: 5, y: 5 } });
  await page.selectOption("select[name=method]", "ai");
  assert.equal(await page.isVisible("cut-options >> text=Tolerance"), false);
  await assertAccessible(page, "the options of a model");
  const [request] = await Promise.all([page.waitForRequest("**/jobs/video/remove-background"), page.click(cutButton)]);
  const body = request.postDataBuffer().toString("latin1");
  assert.match(body, /name="method"\s+ai\r\n/);
  assert.doesNotMatch(body, /chromaKey/);
  assert.ok(context);
  await page.unroute("**/readyz");
  await page.route("**/readyz", (route) =>
    route.fulfill({ json: { success: true, data: { checks: [{ name: "network", detail: "none" }] } } }),
  );
  await page.reload();
  await page.waitForSelector("clip-drop");
  await drop(page, ["ghost.mp4"]);
  await page.waitForSelector("select[name=method] option[value=ai]:disabled", { state: "attached" });
  assert.equal(await page.inputValue("select[name=method]"), "auto");
  assert.deepEqual(complaints, []);
});

/** A clip of a red plate on green with a green hole in it, which goes to the right. */
function plate() {
  const folder = mkdtempSync(join(tmpdir(), "clearcut-plate-"));
  const path = join(folder, "plate.mp4");
  const graph =
    "color=c=0x00B140:s=320x240:r=12:d=1.5[wall];color=c=red:s=160x140:r=12:d=1.5,drawbox=40:35:60:70:0x00B140:fill[plate];[wall][plate]overlay=x=40+24*t:y=50";
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", graph, "-c:v", "libx264", "-pix_fmt", "yuv420p", path]);
  const bytes = readFileSync(path);
  rmSync(folder, { recursive: true });
  return bytes.toString("latin1");
}

test("a click on a hole keeps it in the whole clip, and can be taken back", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  await drop(page, ["plate.mp4"], { "plate.mp4": plate() });
  const layer = "hint-layer:not([hidden])";
  const hole = [0.345, 0.5];
  const matteAtHole = async () => (await pixelsOf(page, ".frame-box", [hole]))[0][0];
  const shown = async (act) => {
    const before = await page.getAttribute("img.preview", "src");
    await act();
    await page.waitForFunction((before) => {
      const cut = document.querySelector("img.preview");
      return !cut.hidden && cut.src !== before;
    }, before);
    await page.waitForSelector(layer);
    // The cross lies where the pointer is.
    await page.mouse.move(2, 2);
  };
  await shown(() => page.click("frame-preview .pill:has-text('Matte')"));
  assert.ok((await matteAtHole()) <= 3, "the hole is open at first");
  await shown(async () => page.click(layer, { position: await centre(page, layer, hole) }));
  await assertAccessible(page, "the preview with a hint");
  assert.equal((await page.innerText(".hints li")).trim(), "Keep at 0:00.00");
  // Its mark is at the hole: beside it.
  const beside = [hole[0] + 0.05, hole[1] + 0.08];
  assert.ok((await pixelsOf(page, ".frame-box", [beside]))[0][0] >= 252, "the hole is kept");

  // Taken back, and put again with the keyboard.
  await shown(() => page.click(".hints button"));
  assert.ok((await matteAtHole()) <= 3, "the hole is open again");
  await page.focus(layer);
  for (let step = 0; step < 2; step += 1) await page.keyboard.press("ArrowLeft");
  await shown(() => page.keyboard.press("Enter"));
  assert.equal((await page.innerText(".hints li")).trim(), "Keep at 0:00.00");

  // A click outside says that it names nothing; the cut stays as it is.
  await page.click(layer, { position: await centre(page, layer, [0.9, 0.9]) });
  await page.waitForSelector("frame-preview [role=status]:has-text('no effect')");
  await page.click(".hints li:last-child button");
  await page.waitForSelector("frame-preview [role=status]:has-text('Something wrong')");

  const submitted = page.waitForRequest((request) => request.url().endsWith("/jobs/video/remove-background"));
  await page.click(cutButton);
  const body = (await submitted).postData() ?? "";
  assert.match(body, /name="hints"\r\n\r\n\[\{"time":0,"x":0\.3\d*,"y":0\.\d+,"kind":"keep"\}\]/);
  await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
  await page.click("text=Command line");
  assert.match(await page.innerText("code-samples pre"), /--hint keep@0,0\.3/);
  assert.deepEqual(complaints, []);
});

test("notes are shown, and a warning leads to where it is worst", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  await drop(page, ["plate.mp4"], { "plate.mp4": plate() });
  const box = { x: 0.25, y: 0.35, width: 0.2, height: 0.3 };
  // What a server would say of a hole that it is not sure of, and of the clip's rate and sound.
  await page.route(/\/api\/v1\/jobs\/[^/]+(\/events)?(\?.*)?$/, async (route) => {
    const reply = await route.fetch();
    const warnings = [{ code: "POSSIBLE_HOLES", message: "look here", from: 0.5, to: 0.7, box }];
    const notes = [
      { code: "RATE_CONVERTED", isWarning: false, message: "the rate is even now" },
      { code: "SOUND_LEFT_OUT", isWarning: true, message: "the sound is left out" },
    ];
    const text = await reply.text();
    const body = text
      .replaceAll('"warnings":[]', `"warnings":${JSON.stringify(warnings)}`)
      .replaceAll('"notes":[]', `"notes":${JSON.stringify(notes)}`);
    await route.fulfill({ response: reply, body });
  });
  await page.click(cutButton);
  await page.waitForSelector("cut-result .notes", { timeout: CUT_MS });
  assert.deepEqual(await page.locator("cut-result .notes li").allInnerTexts(), ["The rate is even now."]);
  const warned = await page.locator("cut-result .warnings li").allInnerTexts();
  assert.match(warned.join("\n"), /Look here.*\nThe sound is left out\./s);
  // In the result, the place is shown; in the options, the control that mends it.
  await page.click("cut-result .warnings >> text=Show it at 0:00.50");
  await page.waitForSelector(".cut .look-at");
  await page.waitForFunction(() => /^0:00\.[56]/.test(document.querySelector(".time").textContent));
  await page.click("cut-result .warnings >> text=Mark the place");
  await page.waitForFunction(() => document.activeElement.value === "cut");
  await page.waitForSelector("hint-layer:not([hidden]) .look-at");
  assert.equal(await page.innerText(".time-slider output"), "0:00.60");
  const [layer, mark] = await Promise.all(["hint-layer", ".look-at"].map((at) => page.locator(at).boundingBox()));
  assert.ok(Math.abs((mark.x - layer.x) / layer.width - box.x) < 0.02, `${JSON.stringify(mark)}`);
  assert.deepEqual(complaints, []);
});
