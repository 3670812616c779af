// Many <clearcut-video> on one page: more than a browser has WebGL contexts and decoders for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { at, playerPages, shown } from "./player-pages.mjs";

const { open } = playerPages({ samples: ["mascot", "ghost"], formats: "stacked-alpha", size: 128 });

/** Keeps the WebGL contexts of the page in `window.contexts`. */
const COUNTED = () => {
  window.contexts = [];
  for (const { prototype } of [HTMLCanvasElement, OffscreenCanvas]) {
    const real = prototype.getContext;
    prototype.getContext = function (name, options) {
      const context = real.call(this, name, options);
      if (/webgl/.test(name) && context && !window.contexts.includes(context)) window.contexts.push(context);
      return context;
    };
  }
};

const COUNT = 60;
const SIDE = 128;
const wall = (attributes) =>
  Array.from({ length: COUNT }, (_, n) => {
    const name = n % 2 ? "ghost" : "mascot";
    return `<clearcut-video src="/${name}-cut.mp4" class="${name}" ${attributes} width="${SIDE}" height="${SIDE}"></clearcut-video>`;
  }).join("");
const WALL = `<style>clearcut-video{display:block;float:left}</style>${wall("autoplay loop muted playsinline")}`;

/** Waits until all that is on the screen plays, and returns where it is. */
const playing = (page) =>
  page.evaluate(async () => {
    const inSight = [...document.querySelectorAll("clearcut-video")].filter((player) => {
      const { top, bottom } = player.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    const starts = inSight.map((player) => player.currentTime);
    const plays = (player, at) =>
      player.currentTime !== starts[at] && player.shadowRoot.querySelector("canvas").width > 0;
    while (!inSight.every(plays)) await new Promise(requestAnimationFrame);
    return inSight.map((player) => {
      const { left, top } = player.getBoundingClientRect();
      return { name: player.className, left, top };
    });
  });

test("of 60 elements, scrolled through twice, each that is on the screen shows its own clip", {
  timeout: 170_000,
}, async () => {
  const [width, height, columns] = [6 * SIDE, 4 * SIDE, 6];
  const page = await open(WALL, { background: "rgb(0,0,255)", init: COUNTED, viewport: { width, height } });
  const end = (COUNT / columns) * SIDE;
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), end);
  for (const round of [1, 2]) {
    const looked = new Set();
    for (const top of [0, height, end - height]) {
      await page.evaluate((top) => scrollTo(0, top), top);
      const places = await playing(page);
      assert.equal(places.length, 24);
      const screen = await shown(page, width, height);
      for (const { name, left, top: y } of places) {
        const pixel = (dx, dy) => [...screen.subarray(4 * (width * (y + dy) + left + dx)).subarray(0, 3)];
        const where = `${name} at ${left}, ${top + y}`;
        const [clear, solid] = [pixel(3, 3), pixel(66, 92)];
        assert.ok(
          clear[0] <= 6 && clear[1] <= 6 && clear[2] >= 249,
          `${where}, round ${round}: its corner is ${clear}`,
        );
        const isRight = name === "mascot" ? solid[0] > 200 && solid[2] < 90 : Math.min(...solid) > 150;
        assert.ok(isRight, `${where}, round ${round}: its middle is ${solid}`);
        looked.add(where);
      }
    }
    assert.equal(looked.size, COUNT);
  }
  assert.equal(await page.evaluate(() => window.contexts.length), 1);
});

/** A <video> that seeks tells its data once the seek has ended, as a slow browser does. */
const SLOW = () => {
  const { addEventListener } = EventTarget.prototype;
  HTMLVideoElement.prototype.addEventListener = function (type, act, options) {
    const late = (event) =>
      this.seeking ? addEventListener.call(this, "seeked", () => act(event), { once: true }) : act(event);
    addEventListener.call(this, type, type === "loadeddata" ? late : act, options);
  };
};

for (const [browser, init] of Object.entries({ fast: undefined, slow: SLOW }))
  test(`far from the screen elements let their files go, and come back as they were, in a ${browser} browser`, () =>
    comesBack(init));

/** @param {(() => void) | undefined} init */
async function comesBack(init) {
  const html = `<style>clearcut-video{display:block;margin-bottom:600px}</style>${wall("muted")}`;
  const page = await open(html, { background: "rgb(0,0,255)", init });
  await at(page, 1);
  await page.evaluate(async () => {
    const player = document.querySelector("clearcut-video");
    player.playbackRate = 2;
    await new Promise((told) => player.addEventListener("ratechange", told, { once: true }));
    window.told = [];
    for (const type of ["emptied", "loadstart", "loadedmetadata", "loadeddata", "seeking", "seeked", "ratechange"])
      player.addEventListener(type, () => window.told.push(type));
  });
  const before = await shown(page, SIDE, SIDE);
  const open24 = await page.evaluate(async () => {
    const players = [...document.querySelectorAll("clearcut-video")].slice(0, 30);
    for (const player of players) {
      player.scrollIntoView();
      while (player.readyState < 2) await new Promise(requestAnimationFrame);
    }
    return players.filter(({ video }) => video.hasAttribute("src")).length;
  });
  assert.ok(open24 <= 24, `${open24} files are open`);
  const state = () =>
    page.evaluate(() => {
      const { video, currentTime, playbackRate, readyState, duration, videoWidth, videoHeight } =
        document.querySelector("clearcut-video");
      return {
        src: video.hasAttribute("src"),
        currentTime,
        playbackRate,
        ready: readyState >= 2,
        duration,
        videoWidth,
        videoHeight,
      };
    });
  const asleep = await state();
  assert.deepEqual([asleep.src, asleep.currentTime, asleep.playbackRate, asleep.ready], [false, 1, 2, true]);
  await page.evaluate(async () => {
    scrollTo(0, 0);
    const { video } = document.querySelector("clearcut-video");
    while (video.readyState < 2 || video.seeking || video.currentTime !== 1) await new Promise(requestAnimationFrame);
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  });
  assert.deepEqual(await state(), { ...asleep, src: true });
  assert.deepEqual(await shown(page, SIDE, SIDE), before);
  assert.deepEqual(await page.evaluate(() => window.told), []);
}

test("a lost context leaves the last frame on the screen, and when it is back, what is shown now is drawn", async () => {
  const page = await open(wall("").slice(0, (2 * wall("").length) / COUNT), {
    background: "rgb(0,0,255)",
    init: COUNTED,
  });
  await at(page, 0.5);
  const first = await shown(page, SIDE, SIDE);
  const happens = (method, type) =>
    page.evaluate(
      async ([method, type]) => {
        const [gl] = window.contexts;
        window.extension ??= gl.getExtension("WEBGL_lose_context");
        const happened = new Promise((done) => gl.canvas.addEventListener(type, done, { once: true }));
        window.extension[method]();
        await happened;
        await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      },
      [method, type],
    );
  await happens("loseContext", "webglcontextlost");
  await at(page, 1.5);
  assert.deepEqual(await shown(page, SIDE, SIDE), first);
  await happens("restoreContext", "webglcontextrestored");
  const restored = await shown(page, SIDE, SIDE);
  assert.notDeepEqual(restored, first);
  await at(page, 0.5);
  assert.deepEqual(await shown(page, SIDE, SIDE), first);
  await at(page, 1.5);
  assert.deepEqual(await shown(page, SIDE, SIDE), restored);
  assert.equal(await page.evaluate(() => window.contexts.length), 1);
});
