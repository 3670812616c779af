// The part of a clip and of its frame, chosen on the picture; posters; and what contradicts itself, said before it is sent.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertAccessible, downloaded, drop, host } from "./visit.mjs";

const { come } = host();
const cutButton = "cut-options button[type=submit]";
const start = ".trim-handle.start";
const end = ".trim-handle.end";

/** A visit with mascot.mp4, 2.2 s of 720 × 720 pixels, among the drafts. */
async function comeWithClip(options) {
  const visited = await come(options);
  await visited.page.waitForSelector("clip-drop");
  await drop(visited.page, ["mascot.mp4"]);
  await visited.page.waitForSelector("trim-bar:not([hidden])");
  return visited;
}

/** Drags an element by a share of another one's width and height. */
async function drag(page, selector, of, [right, down]) {
  const [grip, whole] = await Promise.all([selector, of].map((at) => page.locator(at).boundingBox()));
  const [x, y] = [grip.x + grip.width / 2, grip.y + grip.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + (right * whole.width) / 2, y + (down * whole.height) / 2);
  await page.mouse.move(x + right * whole.width, y + down * whole.height);
  await page.mouse.up();
}

/** The fields of the next submit, which the server does not get. */
async function submitted(page, act) {
  await page.route("**/jobs/video/remove-background", (route) => route.abort());
  const [request] = await Promise.all([page.waitForRequest("**/jobs/video/remove-background"), act()]);
  const body = request.postDataBuffer().toString("latin1");
  return Object.fromEntries(
    [...body.matchAll(/name="([^"]+)"\r\n\r\n([^\r]*)\r\n/g)].map(([, name, text]) => [name, text]),
  );
}

const trims = async (page) => [
  await page.inputValue("input[name=trim-start]"),
  await page.inputValue("input[name=trim-end]"),
];

test("two handles choose the part of the clip, by pointer and by keyboard, and the preview follows", async () => {
  const { page, complaints } = await comeWithClip();
  const value = (handle) => page.getAttribute(handle, "aria-valuenow");
  assert.deepEqual([await value(start), await value(end)], ["0.00", "2.20"]);
  await drag(page, start, ".trim-track", [0.25, 0]);
  const from = Number(await value(start));
  assert.ok(Math.abs(from - 0.55) < 0.03, `the part begins at ${from}`);
  assert.equal(await page.inputValue(".time-slider input"), String(from));
  await page.focus(end);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Shift+ArrowLeft");
  assert.equal(await value(end), "1.10");
  assert.deepEqual(await trims(page), [String(from), "1.1"]);
  // No further than the other handle, and the slider of the preview stays in between.
  await page.keyboard.press("Home");
  assert.equal(Number(await value(end)), Math.round((from + 0.1) * 100) / 100);
  await page.keyboard.press("End");
  await page.keyboard.press("PageDown");
  await page.evaluate(() => {
    const slider = document.querySelector(".time-slider input");
    slider.value = "0";
    slider.dispatchEvent(new Event("input"));
  });
  assert.equal(await page.inputValue(".time-slider input"), String(from));
  // The fields move the handles.
  await page.click("cut-options .more summary");
  await page.fill("input[name=trim-start]", "0.2");
  await page.press("input[name=trim-start]", "Tab");
  assert.equal(await value(start), "0.20");
  await assertAccessible(page, "the handles of a part");
  const fields = await submitted(page, () => page.click(cutButton));
  assert.equal(fields.trim, "0.2,1.2");
  assert.deepEqual(complaints, []);
});

test("the whole clip is cut again with one click", async () => {
  const { page } = await comeWithClip();
  await page.focus(start);
  await page.keyboard.press("PageUp");
  assert.deepEqual(await trims(page), ["1", ""]);
  await page.click("trim-bar >> text=Whole clip");
  assert.deepEqual(await trims(page), ["", ""]);
  assert.equal((await submitted(page, () => page.click(cutButton))).trim, undefined);
});

test("a box on the picture is the crop, by pointer and by keyboard, beside the subject", async () => {
  const { page, complaints } = await comeWithClip();
  const crop = () => page.inputValue("input[name=crop]");
  await page.click(".pill:has-text('A box')");
  assert.equal(await crop(), "72,72,576,576");
  await drag(page, "[data-grip='top left']", "crop-box", [0.1, -0.5]);
  const [x, y, width, height] = (await crop()).split(",").map(Number);
  assert.ok(Math.abs(x - 144) <= 4 && y === 0 && x + width === 648 && height === 648, await crop());
  assert.ok(x % 2 === 0 && width % 2 === 0, await crop());
  await page.focus("[data-grip='bottom right']");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("ArrowUp");
  assert.equal(await crop(), `${x},0,${width - 20},646`);
  // The middle moves the whole box, and no further than the frame.
  await drag(page, "[data-grip=middle]", "crop-box", [-0.9, 0]);
  assert.equal(await crop(), `0,0,${width - 20},646`);
  await assertAccessible(page, "the box on the picture");
  // It lies on the cut, too, and leaves clicks to what is beneath.
  await page.click("frame-preview .pill:has-text('Cut')");
  await page.waitForSelector("img.preview:not([hidden])");
  await page.waitForSelector("frame-preview [role=status]:has-text('what lies in the box')");
  const [cut, box] = await Promise.all(["img.preview", "crop-box"].map((at) => page.locator(at).boundingBox()));
  assert.deepEqual(box, cut);
  await page.click(".pill:has-text('The subject')");
  assert.deepEqual([await crop(), await page.isVisible("crop-box")], ["auto", false]);
  // A shape that is typed shows its box.
  await page.click("cut-options .more summary");
  await page.fill("input[name=crop]", "1:2");
  await page.press("input[name=crop]", "Tab");
  await page.waitForSelector("crop-box:not([hidden])");
  assert.match(await page.getAttribute("[data-grip=middle]", "aria-label"), /360 × 720 pixels at 180, 0/);
  assert.equal((await submitted(page, () => page.click(cutButton))).crop, "1:2");
  assert.deepEqual(complaints, []);
});

test("a frame is saved as a poster, in full size and cropped to the box", async () => {
  const { page, context, complaints } = await comeWithClip();
  assert.ok(context);
  await page.focus(start);
  await page.keyboard.press("PageUp");
  await page.click("cut-options .more summary");
  await page.fill("input[name=crop]", "120,0,480,720");
  await page.press("input[name=crop]", "Tab");
  const asked = page.waitForRequest("**/preview");
  const [name, bytes] = await downloaded(page, "text=Save this frame as a poster");
  assert.equal(name, "mascot-poster.png");
  assert.match((await asked).postData(), /name="time"\r\n\r\n1\.000\r\n/);
  const path = join(tmpdir(), `clearcut-poster-${process.pid}.png`);
  await writeFile(path, bytes);
  const probe = "-v error -show_entries stream=width,height,pix_fmt -of csv=p=0".split(" ");
  assert.equal(execFileSync("ffprobe", [...probe, path], { encoding: "utf8" }).trim(), "480,720,rgba");
  await page.waitForSelector("frame-preview [role=status]:has-text('Saved the frame at 0:01.00, 480 × 720')");
  assert.deepEqual(complaints, []);
});

test("what contradicts itself is said before it is sent, and leads to its field", async () => {
  const { page, complaints } = await comeWithClip();
  const sent = [];
  page.on("request", (request) => request.url().endsWith("remove-background") && sent.push(request.url()));
  await page.click("cut-options .more summary");
  const says = async (fills, expected, field) => {
    for (const [name, text] of Object.entries(fills)) {
      await page.fill(`input[name=${name}]`, text);
      await page.press(`input[name=${name}]`, "Tab");
    }
    assert.match(await page.innerText("cut-actions .problem"), expected);
    await page.click(cutButton);
    assert.equal(await page.evaluate(() => document.activeElement.name), field);
    const isSeen = await page.evaluate(() => {
      const { left, top, width, height } = document.activeElement.getBoundingClientRect();
      return document.elementFromPoint(left + width / 2, top + height / 2) === document.activeElement;
    });
    assert.ok(isSeen, `${field} has the focus, and lies beneath something`);
    for (const name of Object.keys(fills)) await page.fill(`input[name=${name}]`, "");
    await page.press(`input[name=${field}]`, "Tab");
    assert.equal(await page.isVisible("cut-actions .problem"), false);
  };
  await says(
    { "trim-start": "1.5", "trim-end": "1" },
    /begins at 0:01\.50 and ends at 0:01\.00, before it/,
    "trim-start",
  );
  await says({ "trim-start": "9" }, /begins at 0:09\.00, but the clip is over at 0:02\.20/, "trim-start");
  await says({ "trim-start": "soon" }, /times are seconds/, "trim-start");
  await says({ crop: "400,0,480,720" }, /reaches to 880 × 720, but the frame has 720 × 720/, "crop");
  await says({ crop: "1,0,480,720" }, /all four numbers are even/, "crop");
  await says({ crop: "big" }, /write a shape such as 1:1/, "crop");
  await says({ maxBytes: "256KB" }, /Stacked MP4 keeps no limit/, "maxBytes");

  const problem = () => page.innerText("cut-actions .problem");
  await page.selectOption("select[name=fit]", "pad");
  assert.match(await problem(), /an exact size takes both width and height/);
  await page.selectOption("select[name=fit]", "contain");
  await page.check("input[name=formats][value=mp4]");
  assert.match(await problem(), /An MP4 is opaque/);
  await page.uncheck("input[name=formats][value=mp4]");
  await page.selectOption("select[name=preset]", "telegram-sticker");
  await page.selectOption("select[name=tempo]", "0.5");
  assert.match(await problem(), /A Telegram sticker has up to 3 seconds, and this has 4\.4/);
  await assertAccessible(page, "the options with a contradiction");
  assert.deepEqual([sent, complaints], [[], []]);
});

test("formats that the server cannot write are not offered", async () => {
  const { page, complaints } = await come();
  await page.evaluate(() =>
    localStorage.setItem("clearcut.options", JSON.stringify({ formats: ["webm", "hevc-alpha"] })),
  );
  await page.route("**/readyz", (route) =>
    route.fulfill({ json: { success: true, data: { checks: [], formats: ["webm", "poster"] } } }),
  );
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.mp4"]);
  await page.waitForSelector("input[name=formats]");
  await page.waitForSelector("input[name=formats][value=mov]", { state: "detached" });
  const offered = await page.locator("input[name=formats]").evaluateAll((boxes) => boxes.map(({ value }) => value));
  assert.deepEqual(offered, ["webm", "poster"]);
  assert.equal((await submitted(page, () => page.click(cutButton))).formats, '["webm"]');
  assert.deepEqual(complaints, []);
});
