// The controls of <clearcut-video>: pointer, keyboard, screen readers, and small elements.
import assert from "node:assert/strict";
import { test } from "node:test";
import { at, playerPages } from "./player-pages.mjs";
import { assertAccessible } from "./visit.mjs";

const CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:03.000\nA mascot waves\n";
const pages = playerPages({ texts: { "/en.vtt": CAPTIONS } });
const open = (html, options = {}) => pages.open(html, { viewport: { width: 400, height: 600 }, ...options });

const PLAYER =
  '<main><h1>Clips</h1><clearcut-video src="/mascot-cut.mp4" controls muted width="390" height="390" aria-label="A mascot waves">' +
  '<track kind="captions" src="/en.vtt" srclang="en" label="English"></clearcut-video></main>';
const bar = "clearcut-video .bar";

/** The state of the first element. */
const state = (page) =>
  page.evaluate(() => {
    const { paused, currentTime, muted, volume, textTracks } = document.querySelector("clearcut-video");
    return { paused, currentTime, muted, volume, captions: textTracks[0]?.mode };
  });
/** What has the focus within the element. */
const focused = (page) =>
  page.evaluate(() => document.querySelector("clearcut-video").shadowRoot.activeElement?.ariaLabel ?? null);
/** Waits until the first element has told `type`, once `act` was done. */
async function tells(page, type, act) {
  await page.evaluate((type) => {
    const player = document.querySelector("clearcut-video");
    window.told = new Promise((told) => player.addEventListener(type, told, { once: true }));
  }, type);
  await act();
  await page.evaluate(() => window.told.then(() => {}));
}

test("axe finds nothing in the controls, paused and playing, and each has a name", async () => {
  const page = await open(PLAYER);
  await at(page, 0.5);
  await assertAccessible(page, "paused");
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const names = nodes.filter(({ ignored }) => !ignored).map(({ role, name }) => `${role?.value} ${name?.value}`);
  for (const name of [
    "group A mascot waves",
    "group Controls",
    "button Play",
    "slider Seek",
    "button Captions",
    "button Unmute",
    "slider Volume",
    "button Full screen",
  ])
    assert.ok(names.includes(name), `${name} is not in ${names}`);
  assert.equal(await page.getAttribute(`${bar} .time`, "aria-valuetext"), "0:00 of 0:02");
  await page.evaluate(() => {
    document.querySelector("clearcut-video").loop = true;
    return document.querySelector("clearcut-video").play();
  });
  await page.hover("clearcut-video");
  await assertAccessible(page, "playing");
});

test("with the keyboard alone it is played, sought, muted, captioned and turned down", async () => {
  const page = await open(PLAYER.replace("muted", "muted loop"));
  await at(page, 0);
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Play");
  await tells(page, "playing", () => page.keyboard.press("Space"));
  assert.equal(await focused(page), "Pause");
  await tells(page, "pause", () => page.keyboard.press("Enter"));
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Seek");
  await tells(page, "seeked", () => page.keyboard.press("Home"));
  assert.equal((await state(page)).currentTime, 0);
  await tells(page, "seeked", () => page.keyboard.press("ArrowRight"));
  const { currentTime } = await state(page);
  assert.ok(currentTime > 1.9, `at ${currentTime}`);
  await tells(page, "seeked", () => page.keyboard.press("ArrowLeft"));
  assert.equal((await state(page)).currentTime, 0);
  await tells(page, "playing", () => page.keyboard.press("k"));
  await tells(page, "pause", () => page.keyboard.press("Space"));
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Captions");
  await page.keyboard.press("Enter");
  assert.equal((await state(page)).captions, "showing");
  await page.waitForFunction(
    () => document.querySelector("clearcut-video").shadowRoot.querySelector(".captions").innerText,
  );
  assert.equal(await page.getAttribute(`${bar} [aria-label=Captions]`, "aria-pressed"), "true");
  await page.keyboard.press("c");
  assert.equal((await state(page)).captions, "disabled");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Unmute");
  await tells(page, "volumechange", () => page.keyboard.press("Enter"));
  assert.equal((await state(page)).muted, false);
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Volume");
  await tells(page, "volumechange", () => page.keyboard.press("ArrowLeft"));
  const { volume } = await state(page);
  assert.ok(volume < 1 && volume >= 0.9, `${volume}`);
  await tells(page, "volumechange", () => page.keyboard.press("m"));
  assert.equal((await state(page)).muted, true);
});

test("with the mouse it is played by a click on the picture, and sought on the slider; a tap only shows the bar", async () => {
  const page = await open(PLAYER.replace("muted", "muted loop"), { hasTouch: true });
  await at(page, 0);
  await tells(page, "playing", () => page.mouse.click(200, 200));
  await tells(page, "pause", () => page.mouse.click(200, 200));
  const slider = await page.locator(`${bar} .time`).boundingBox();
  await tells(page, "seeked", () => page.mouse.click(slider.x + slider.width / 2, slider.y + slider.height / 2));
  const { currentTime } = await state(page);
  assert.ok(Math.abs(currentTime - 1) < 0.15, `at ${currentTime}`);
  await page.touchscreen.tap(200, 200);
  assert.equal((await state(page)).paused, true);
});

test("the bar is there while it is paused, goes while it plays, and comes with the pointer or the focus", async () => {
  const page = await open(PLAYER.replace("muted", "muted loop"), { reducedMotion: "reduce" });
  await at(page, 0);
  const opacity = () =>
    page.evaluate(
      () => getComputedStyle(document.querySelector("clearcut-video").shadowRoot.querySelector(".bar")).opacity,
    );
  assert.equal(await opacity(), "1");
  await page.evaluate(() => document.querySelector("clearcut-video").play());
  await page.mouse.move(395, 395);
  assert.equal(await opacity(), "0");
  await page.mouse.move(200, 200);
  assert.equal(await opacity(), "1");
  await page.mouse.move(395, 395);
  await page.keyboard.press("Tab");
  assert.equal(await opacity(), "1");
  await page.evaluate(() => {
    document.querySelector("clearcut-video").controls = false;
  });
  assert.equal(await page.locator(bar).count(), 0);
});

test("a small element keeps the controls that fit", async () => {
  const page = await open(PLAYER);
  await at(page, 0);
  for (const [side, wanted] of [
    [390, ["Play", "Seek", "Captions", "Unmute", "Volume", "Full screen"]],
    [200, ["Play", "Seek", "Captions", "Unmute", "Full screen"]],
    [120, ["Play", "Seek", "Unmute"]],
  ]) {
    const found = await page.evaluate((side) => {
      const player = document.querySelector("clearcut-video");
      player.width = player.height = side;
      const all = [...player.shadowRoot.querySelectorAll(".bar > :is(button, input)")];
      const shown = all.filter((control) => control.offsetWidth);
      const widest = Math.max(...shown.map((control) => control.offsetLeft + control.offsetWidth));
      const lowest = Math.min(...shown.map(({ offsetHeight }) => offsetHeight));
      return [shown.map((control) => control.ariaLabel), widest <= player.offsetWidth, lowest >= 24];
    }, side);
    assert.deepEqual(found, [wanted, true, true], `${side}`);
  }
});
