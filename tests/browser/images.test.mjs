// Images on the page at /, in an untouched Chromium, against the real binary.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { assertCut, mascot } from "../sdk/pictures.mjs";
import { assertAccessible, downloaded, drawn, drop, host, pixelsOf, quick } from "./visit.mjs";

const CUT_MS = 120_000;
const { come, theServer } = host();

const cutButton = "image-options button[type=submit]";
/** The head of an image, and nothing behind it. */
const broken = () => Buffer.concat([mascot().subarray(0, 60), Buffer.alloc(2000)]);
const textOf = (bytes) => bytes.toString("latin1");

/** Fails if the page is wider than its window. */
const assertFits = async (page) =>
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));

test("one image: options, cut, comparison, download, and again after a reload", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.png"], { "mascot.png": textOf(mascot()) });
  await page.waitForSelector("image-options clip-frame canvas:not([hidden])");
  await assertAccessible(page, "the options of an image");
  const options = await page.innerText("image-options");
  assert.doesNotMatch(options, /frame rate|size|quality|WebM|this frame/i);

  // The eyedropper, with the keyboard.
  await page.focus("clip-frame canvas");
  await page.keyboard.press("Enter");
  assert.match(await page.innerText(".key-color"), /^#[DEF].[0-4].[B-D].$/);
  await page.click(cutButton);
  await page.waitForSelector("image-result .split", { timeout: CUT_MS, state: "attached" });
  await assertAccessible(page, "the result of an image");
  assert.match(await page.innerText("image-result"), /192 × 192 · by color, #[DEF]/);
  const corners = [
    [0.02, 0.04],
    [0.98, 0.04],
  ];
  await page.click("image-viewer .pill:has([value=compare])");
  await page.click(".pill:has([value=black])");
  const [left, right] = await pixelsOf(page, ".sheet", corners);
  assert.ok(left[0] > 180 && left[1] < 90, `the image’s corner is ${left}, not magenta`);
  assert.ok(Math.max(...right.slice(0, 3)) <= 3, `the cut’s corner is ${right}, not black`);
  const [name, bytes] = await downloaded(page, "a[aria-label^='Download PNG']");
  assert.equal(name, "mascot-cut.png");
  assertCut(bytes);

  // The server has the image after a reload, too.
  await page.reload();
  await page.click("clip-card[data-state=done]:has-text('mascot.png')");
  await page.waitForFunction(() => document.querySelector("img.before")?.naturalWidth === 192);
  // Where it is kept no longer, the page says so, and takes it again.
  await page.route("**/input", (route) =>
    route.fulfill({ status: 410, json: { success: false, error: { code: "INPUT_GONE", message: "gone" } } }),
  );
  await page.reload();
  await page.click("clip-card[data-state=done]:has-text('mascot.png')");
  await page.waitForSelector(".compare >> text=no longer on the server");
  const [picker] = await Promise.all([page.waitForEvent("filechooser"), page.click(".compare button")]);
  await picker.setFiles({ name: "other.png", mimeType: "image/png", buffer: mascot("png", "64:64") });
  await page.waitForSelector(".compare >> text=Is it the right one?");
  assert.equal(await page.locator(".before").count(), 1);
  assert.deepEqual(complaints, []);
});

test("a clip and three images, of which one is broken, in one drop, on a phone", { timeout: CUT_MS }, async () => {
  const { page, context, complaints } = await come({ viewport: { width: 360, height: 740 } });
  await quick(context);
  await page.reload();
  await page.waitForSelector("clip-drop");
  const images = { "one.png": mascot(), "broken.png": broken(), "two.jpg": mascot("mjpeg", "64:192") };
  const contents = Object.fromEntries(Object.entries(images).map(([name, bytes]) => [name, textOf(bytes)]));
  await drop(page, ["one.png", "mascot.mp4", "broken.png", "two.jpg"], contents);
  await page.waitForSelector("cut-options");
  assert.equal(await page.locator("clip-card[data-state=draft]").count(), 2);
  assert.equal(await page.innerText("cut-options button[type=submit]"), "Cut this clip");
  await page.click("clip-card:has-text('3 images')");
  await page.waitForSelector("image-options .tiles");
  await assertAccessible(page, "the options of images");
  await assertFits(page);
  assert.equal(await page.innerText(cutButton), "Cut these 3 images");
  await page.click(cutButton);
  await page.waitForSelector("cut-progress");
  await assertAccessible(page, "the progress of images");
  // The job goes on while the page is loaded again.
  await page.waitForSelector("clip-card:has-text('3 images'):not([data-state=sending])");
  await page.reload();
  await page.click("clip-card >> nth=0");
  await page.waitForSelector("image-result .tiles", { timeout: CUT_MS });
  await drawn(page, "image-tile canvas");
  await assertAccessible(page, "the result of images");
  await assertFits(page);
  assert.match(await page.innerText("image-result"), /2 of 3 images/);
  assert.match(await page.innerText("image-tile .problem"), /^[A-Z].*\. Try another file/);
  assert.equal(await page.locator("image-tile").count(), 3);

  await page.click("[aria-label='Show two.jpg']");
  await page.waitForFunction(() =>
    /^two.jpg · 64 × 192/.test(document.querySelector("image-viewer [role=status]").textContent),
  );
  const [name, bytes] = await downloaded(page, "[aria-label='Download the cut of one.png']");
  assert.equal(name, "one.png");
  assertCut(bytes);
  const [, zip] = await downloaded(page, "a[aria-label^='Download All images']");
  assert.ok(zip.includes("two.png") && zip.includes(bytes));
  assert.deepEqual(complaints, []);
});

test("a cut that removes nothing is worth a look", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.png"], { "mascot.png": textOf(mascot()) });
  await page.fill("image-options input[type=color]", "#0000ff");
  await page.click(cutButton);
  await page.waitForSelector("image-viewer .warnings >> text=ardly anything was removed", { timeout: CUT_MS });
  await assertAccessible(page, "a result that is worth a look");
  assert.deepEqual(complaints, []);
});

test("a ZIP of images, whose files are compared with their cuts", { timeout: CUT_MS }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "clearcut-zip-"));
  try {
    await writeFile(join(folder, "one.png"), mascot());
    await writeFile(join(folder, "two.jpg"), mascot("mjpeg", "64:192"));
    execFileSync("python3", ["-m", "zipfile", "-c", "photos.zip", "one.png", "two.jpg"], { cwd: folder });
    const { page, complaints } = await come();
    await page.waitForSelector("clip-drop");
    await drop(page, ["photos.zip"], { "photos.zip": textOf(await readFile(join(folder, "photos.zip"))) });
    await page.click(cutButton);
    await page.waitForSelector("image-result .split", { timeout: CUT_MS, state: "attached" });
    await drawn(page, "image-tile:nth-child(2) canvas");
    await page.click("[aria-label='Show two.jpg']");
    await page.waitForFunction(() => document.querySelector("img.before")?.naturalHeight === 192);
    const tabs = page.locator("image-result [role=tab]");
    assert.deepEqual(await tabs.allInnerTexts(), ["curl", "TypeScript", "Python"]);

    // The code does what it says.
    const curl = (await page.innerText("image-result pre")).split("\n\n")[0];
    const env = { ...process.env, CLEARCUT_KEY: theServer().key };
    assert.match(execFileSync("sh", ["-c", curl], { cwd: folder, env }).toString(), /"status":"queued"/);

    // The same ZIP may hold the frames of a clip.
    await drop(page, ["photos.zip"], { "photos.zip": textOf(await readFile(join(folder, "photos.zip"))) });
    await page.click("image-options >> text=Cut them as a clip");
    await page.waitForSelector("cut-options");
    await page.click("text=Discard");
    await drop(page, ["broken.png"], { "broken.png": textOf(broken()) });
    await page.click(cutButton);
    await page.waitForSelector("h2:text-is('No image could be cut')", { timeout: CUT_MS });
    assert.match(await page.innerText("cut-progress [role=alert]"), /Try another file/);
    await assertAccessible(page, "images that failed");
    assert.deepEqual(complaints, []);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a folder that is dropped gives its images, with their folders", async () => {
  const folder = await mkdtemp(join(tmpdir(), "clearcut-folder-"));
  try {
    await mkdir(join(folder, "deep"));
    await writeFile(join(folder, "notes.txt"), "These are my notes.");
    const { page, complaints } = await come();
    await page.waitForSelector("clip-drop");
    const browser = await page.context().newCDPSession(page);
    const dropFolder = async () => {
      const data = { items: [], files: [folder], dragOperationsMask: 1 };
      for (const type of ["dragEnter", "dragOver", "drop"])
        await browser.send("Input.dispatchDragEvent", { type, x: 9, y: 9, data });
    };
    await dropFolder();
    await page.waitForSelector("clip-drop .problem >> text=No videos or images");
    for (const name of ["one.png", "deep/two.png", ".hidden.png"]) await writeFile(join(folder, name), mascot());
    await dropFolder();
    await page.waitForSelector("image-options .tiles");
    assert.deepEqual(
      await page.locator(".tile-name").allInnerTexts(),
      ["deep/two.png", "one.png"].map((name) => `${basename(folder)}/${name}`),
    );
    assert.equal(await page.isVisible("clip-drop .problem"), false);
    assert.deepEqual(complaints, []);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("what moves is a clip, and what does not is an image", async () => {
  const { page } = await come();
  const animation = (frames, ...words) =>
    execFileSync("ffmpeg", [
      ...["-loglevel", "error", "-f", "lavfi", "-i", "testsrc=s=32x32:r=5", "-frames:v", frames],
      ...[...words, "pipe:1"],
    ]);
  const [gif, apng, webp] = [
    ["-f", "gif"],
    ["-f", "apng"],
    ["-c:v", "libwebp_anim", "-f", "webp"],
  ];
  const files = [
    ...[gif, apng, webp].flatMap((format) => [animation("3", ...format), animation("1", ...format)]),
    mascot("libwebp"),
    await readFile(new URL("../../samples/ghost.mp4", import.meta.url)),
  ].map(textOf);
  const kinds = await page.evaluate(async (files) => {
    const { kindOf } = await import("/page/file-kind.js");
    const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    return Promise.all(files.map((text) => kindOf(new File([bytes(text)], "file"))));
  }, files);
  assert.deepEqual(kinds, ["clip", "image", "clip", "image", "clip", "image", "image", "clip"]);
});
