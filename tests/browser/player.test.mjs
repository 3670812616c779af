// <clearcut-video> in an untouched Chromium: what is on the screen, to the pixel.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { at, playerPages, shown } from "./player-pages.mjs";

const HALF_WAY = 1.01;
/** What is played in place of the frame of HEVC. */
const probes = { broken: "/bad.webm", none: "", clear: "/clear.webm", solid: "/solid.webm" };

const { open, theServer } = playerPages({
  texts: { "/bad.webm": "no video" },
  prepare(folder) {
    const half = "color=gray:s=64x64:r=25:d=0.04,format=yuva420p,geq=lum=100:cb=128:cr=128:a=";
    for (const [name, alpha] of [
      ["clear", "255*gte(X\\,32)"],
      ["solid", "255"],
    ]) {
      const encode = ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", join(folder, `${name}.webm`)];
      execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", half + alpha, "-frames:v", "1", ...encode]);
    }
  },
});

/** The frame as the browser decodes it: color above matte. */
async function decoded(page) {
  const pixels = await page.evaluate(() => {
    const { video } = document.querySelector("clearcut-video");
    const context = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext("2d");
    context.drawImage(video, 0, 0);
    return new Uint8Array(context.getImageData(0, 0, video.videoWidth, video.videoHeight).data.buffer).toBase64();
  });
  return Buffer.from(pixels, "base64");
}

/** The largest difference between what is shown and the exact composite, and how many pixels are soft. */
function compare(frame, screen, backdrop, alphaOf = (matte) => matte) {
  const half = frame.length / 2;
  let [worst, soft] = [0, 0];
  for (let at = 0; at < half; at += 4) {
    const matte = frame[half + at] / 255;
    if (matte > 0.1 && matte < 0.9) soft += 1;
    const alpha = alphaOf(matte);
    for (let channel = 0; channel < 3; channel += 1) {
      const exact = frame[at + channel] * alpha + backdrop[channel] * (1 - alpha);
      worst = Math.max(worst, Math.abs(screen[at + channel] - exact));
    }
  }
  return { worst, soft };
}

const NO_WEBGL2 = () => {
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (name, options) {
    return name === "webgl2" ? null : real.call(this, name, options);
  };
};

for (const [name, background, backdrop, init] of [
  ["a light color", "rgb(240,220,30)", [240, 220, 30]],
  ["a dark color", "rgb(10,0,80)", [10, 0, 80]],
  ["a color where there is no WebGL 2", "rgb(0,160,255)", [0, 160, 255], NO_WEBGL2],
]) {
  test(`over ${name} every pixel is the exact composite, soft edges too`, async () => {
    const page = await open('<clearcut-video src="/mascot-cut.mp4" muted></clearcut-video>', { background, init });
    await at(page, HALF_WAY);
    const frame = await decoded(page);
    const screen = await shown(page, 256, 256);
    const { worst, soft } = compare(frame, screen, backdrop);
    assert.ok(soft > 300, `${soft} soft pixels: the clip shows nothing`);
    assert.ok(worst <= 2, `off by ${worst}`);
    // Alpha applied twice would not pass.
    assert.ok(compare(frame, screen, backdrop, (matte) => matte ** 2).worst > 20);
  });
}

test("the video has the size of one half, and a frame is on the screen before anything plays", async () => {
  const page = await open('<clearcut-video src="/mascot-cut.mp4" muted></clearcut-video>');
  await at(page, 0);
  const said = await page.evaluate(() => {
    const player = document.querySelector("clearcut-video");
    const { width, height } = player.getBoundingClientRect();
    return [player.videoWidth, player.videoHeight, width, height, player.paused, player.kind];
  });
  assert.deepEqual(said, [256, 256, 256, 256, true, "stacked"]);
});

for (const [name, sources, kind] of [
  ["WebM with alpha", ["webm video/webm", "mp4 video/mp4"], "webm"],
  ["the stacked file, if it stands first", ["mp4 video/mp4", "webm video/webm"], "stacked"],
  [
    "the stacked file, not HEVC whose alpha is dropped here",
    ['mp4 video/mp4;codecs="hvc1"', "mp4 video/mp4"],
    "stacked",
  ],
]) {
  test(`of several sources Chromium gets ${name}, and it is transparent`, async () => {
    const tags = sources.map((source) => {
      const [extension, type] = source.split(" ");
      return `<source src="/mascot-cut.${extension}" type='${type}'>`;
    });
    const page = await open(`<clearcut-video muted>${tags.join("")}</clearcut-video>`, { background: "rgb(0,0,255)" });
    await at(page, HALF_WAY);
    assert.equal(await page.evaluate(() => document.querySelector("clearcut-video").kind), kind);
    const screen = await shown(page, 256, 256);
    const [corner, belly] = [4 * (256 * 4 + 4), 4 * (256 * 190 + 135)];
    const clear = screen.slice(corner, corner + 3);
    assert.ok(clear[0] <= 3 && clear[1] <= 3 && clear[2] >= 252, `the corner is ${clear}`);
    assert.ok(screen[belly] > 200 && screen[belly + 2] < 90, `the belly is ${screen.slice(belly, belly + 3)}`);
  });
}

// Debian's Chromium decodes no HEVC and is no Safari: here a browser only says what it plays, and gets another clip in place of the
// frame of HEVC that the player draws, with or without a clear half. What is looked at is what is then asked for.
for (const [name, isWebKit, plays, order, chosen, probe = "clear"] of [
  [
    "Safari takes HEVC, though WebM stands first and would play, without its alpha",
    true,
    ["vp9", "hvc1", "avc1"],
    "whs",
    "h",
  ],
  ["Safari without HEVC takes the stacked file", true, ["vp9", "avc1"], "whs", "s"],
  [
    "Chrome with HEVC takes WebM, though HEVC stands first and would play, without its alpha",
    false,
    ["vp9", "hvc1", "avc1"],
    "hws",
    "w",
    "solid",
  ],
  ["a browser that shows the alpha of HEVC takes it, if it stands first", false, ["vp9", "hvc1", "avc1"], "hws", "h"],
  [
    "Safari that shows HEVC without its alpha takes the stacked file",
    true,
    ["vp9", "hvc1", "avc1"],
    "hws",
    "s",
    "solid",
  ],
  ["a browser that cannot decode the HEVC it claims takes the next", false, ["vp9", "hvc1"], "hw", "w", "broken"],
  ["Safari takes HEVC where no frame comes, as without autoplay", true, ["hvc1", "avc1"], "hs", "h", "none"],
  ["a browser without VP9 takes the stacked file", false, ["avc1"], "whs", "s"],
  ["a .mov is taken for HEVC by its name alone", true, ["hvc1", "avc1"], "ms", "m"],
  ["a query after the name changes nothing", true, ["hvc1", "avc1"], "qs", "q"],
  ["the folders of an address say nothing", false, ["vp9", "avc1"], "f", "f"],
  ["a browser that plays none of them is told by an error", false, [], "whs", null],
]) {
  test(`by what a browser says it plays: ${name}`, async () => {
    const sources = {
      w: '<source src="/clip.webm" type="video/webm">',
      h: '<source src="/clip-hevc.mp4" type=\'video/mp4; codecs="hvc1"\'>',
      m: '<source src="/clip.mov">',
      q: '<source src="/clip.mov?expires=1#t">',
      f: '<source src="/webm/hvc1/clip.mp4?as=clip.webm">',
      s: '<source src="/clip.mp4" type="video/mp4">',
    };
    const page = await open("<main></main>", {
      init: `if (${isWebKit}) globalThis.GestureEvent = class {};
        HTMLMediaElement.prototype.canPlayType = (type) => ${JSON.stringify(plays)}.some((codec) => type.includes(codec)) ? "probably" : "";
        const { set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
        const probe = ${JSON.stringify(probes[probe])};
        Object.defineProperty(HTMLMediaElement.prototype, "src", { set(value) {
          if (!value.startsWith("data:video/quicktime")) {
            this.asked = (this.asked ?? []).concat(value);
            this.dispatchEvent(new Event("asked"));
          } else if (probe) set.call(this, probe);
        } });`,
    });
    const said = await page.evaluate(
      async (html) => {
        const holder = document.createElement("div");
        const error = new Promise((failed) => holder.addEventListener("error", () => failed("error"), true));
        holder.innerHTML = html;
        document.querySelector("main").append(holder);
        const player = holder.querySelector("clearcut-video");
        const asked = new Promise((done) => player.video.addEventListener("asked", () => done("asked")));
        if (!player.video.asked && (await Promise.race([error, asked])) === "error") return ["error"];
        return [player.kind, ...player.video.asked];
      },
      `<clearcut-video>${[...order].map((source) => sources[source]).join("")}</clearcut-video>`,
    );
    const kinds = { w: "webm", h: "hevc", m: "hevc", q: "hevc", f: "stacked", s: "stacked" };
    const addresses = Object.fromEntries(
      Object.entries(sources).map(([key, tag]) => [key, tag.match(/src="([^"]+)/)[1]]),
    );
    const wanted = chosen ? [kinds[chosen], theServer().url + addresses[chosen]] : ["error"];
    assert.deepEqual(said, wanted);
  });
}

test("a source that fails gives way to the next, and when none is left there is an error", async () => {
  const page = await open(
    '<clearcut-video><source src="/bad.webm"><source src="/gone.mp4"><source src="/mascot-cut.mp4"></clearcut-video>',
  );
  await at(page, 0.2);
  const failed = await page.evaluate(async () => {
    const player = document.createElement("clearcut-video");
    const error = new Promise((failed) => player.addEventListener("error", () => failed("error")));
    player.setAttribute("src", "/gone.mp4");
    document.body.append(player);
    return error;
  });
  assert.equal(failed, "error");
});

const PLAYING = '<clearcut-video src="/mascot-cut.mp4" autoplay loop muted playsinline></clearcut-video>';
const happens = (page, type, act) =>
  page.evaluate(
    async ([type, act]) => {
      const player = document.querySelector("clearcut-video");
      const happened = new Promise((done) => player.addEventListener(type, done, { once: true }));
      if (act) scrollTo(0, act === "away" ? 5000 : 0);
      await happened;
      return player.paused;
    },
    [type, act],
  );

test("it pauses off the screen and goes on when it is back, unless it was paused", async () => {
  const page = await open(`${PLAYING}<div style="height:6000px"></div>`);
  if (await page.evaluate(() => document.querySelector("clearcut-video").paused)) await happens(page, "playing");
  assert.equal(await happens(page, "pause", "away"), true);
  assert.equal(await happens(page, "play", "back"), false);
  await page.evaluate(() => document.querySelector("clearcut-video").pause());
  const stayed = await page.evaluate(async () => {
    const player = document.querySelector("clearcut-video");
    const seen = (wanted) =>
      new Promise((done) => {
        new IntersectionObserver((entries, observer) => {
          if (entries.at(-1).isIntersecting !== wanted) return;
          observer.disconnect();
          requestAnimationFrame(() => requestAnimationFrame(done));
        }).observe(player);
      });
    scrollTo(0, 5000);
    await seen(false);
    scrollTo(0, 0);
    await seen(true);
    return player.paused;
  });
  assert.equal(stayed, true);
});

test("who prefers reduced motion sees the first frame, and may start it", async () => {
  const page = await open(PLAYING, { reducedMotion: "reduce", background: "rgb(0,0,255)" });
  await at(page, 0);
  assert.equal(await page.evaluate(() => document.querySelector("clearcut-video").paused), true);
  const screen = await shown(page, 256, 256);
  assert.ok(
    screen.some((value, index) => index % 4 === 0 && value > 200),
    "no frame is shown",
  );
  await page.evaluate(() => document.querySelector("clearcut-video").play());
  assert.equal(await page.evaluate(() => document.querySelector("clearcut-video").paused), false);
});
