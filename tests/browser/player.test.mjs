// <clearcut-video> in an untouched Chromium: what is on the screen, to the pixel.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { binary, root } from "../server/harness.mjs";
import { launch, serve } from "./browser.mjs";

const HALF_WAY = 1.01;
let folder, server, browser;
/** What is played in place of the frame of HEVC. */
const probes = { broken: "/bad.webm", none: "" };

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "clearcut-player-"));
  const cut = ["cut", join(root, "samples/mascot.mp4"), "-o", folder, "-f", "webm,stacked-alpha", "--size", "256"];
  execFileSync(binary, [...cut, "--quiet"]);
  const half = "color=gray:s=64x64:r=25:d=0.04,format=yuva420p,geq=lum=100:cb=128:cr=128:a=";
  for (const [name, alpha] of [
    ["clear", "255*gte(X\\,32)"],
    ["solid", "255"],
  ]) {
    const encode = ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", join(folder, `${name}.webm`)];
    execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", half + alpha, "-frames:v", "1", ...encode]);
    probes[name] = `/${name}.webm`;
  }
  server = await serve({
    folders: [folder, join(root, "player"), join(root, "tests/browser/node_modules")],
    texts: { "/": "<!doctype html><meta charset=utf-8><title>t</title>", "/bad.webm": "no video" },
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** A page with `html` in its body, and the element defined. */
async function open(html, { background = "#fff", init = undefined, ...options } = {}) {
  const page = await browser.newPage({ viewport: { width: 400, height: 400 }, ...options });
  if (init) await page.addInitScript(init);
  await page.goto(server.url);
  await page.evaluate(
    async ([html, background]) => {
      document.body.style.cssText = `margin:0;background:${background}`;
      document.body.innerHTML = html;
      await import("/clearcut-video.js");
    },
    [html, background],
  );
  return page;
}

const at = (page, seconds) =>
  page.evaluate(async (seconds) => {
    const player = document.querySelector("clearcut-video");
    if (player.video.readyState < 2)
      await new Promise((ready) => player.addEventListener("loadeddata", ready, { once: true }));
    await new Promise((ready) => {
      player.addEventListener("seeked", ready, { once: true });
      player.currentTime = seconds;
    });
    await new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(ready)));
  }, seconds);

/** What the screen shows, as RGBA. */
async function shown(page, width, height) {
  const png = await page.screenshot({ clip: { x: 0, y: 0, width, height } });
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, image.width, image.height).data];
  }, png.toString("base64"));
}

/** The frame as the browser decodes it: color above matte. */
const decoded = (page) =>
  page.evaluate(() => {
    const { video } = document.querySelector("clearcut-video");
    const context = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext("2d");
    context.drawImage(video, 0, 0);
    return [...context.getImageData(0, 0, video.videoWidth, video.videoHeight).data];
  });

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
    await page.close();
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
  await page.close();
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
    await page.close();
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
    const wanted = chosen ? [kinds[chosen], server.url + addresses[chosen]] : ["error"];
    assert.deepEqual(said, wanted);
    await page.close();
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
  await page.close();
});

test("a lost context is made again, with the frame in it", async () => {
  const page = await open('<clearcut-video src="/mascot-cut.mp4" muted></clearcut-video>', {
    background: "rgb(0,0,255)",
  });
  await at(page, HALF_WAY);
  const before = await shown(page, 256, 256);
  const lose = (method) =>
    page.evaluate(async (method) => {
      const canvas = document.querySelector("clearcut-video").shadowRoot.querySelector("canvas");
      window.extension ??= canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
      const type = method === "loseContext" ? "webglcontextlost" : "webglcontextrestored";
      const happened = new Promise((done) => canvas.addEventListener(type, done, { once: true }));
      window.extension[method]();
      await happened;
      await new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(ready)));
    }, method);
  await lose("loseContext");
  assert.notDeepEqual(await shown(page, 256, 256), before, "the context was not lost");
  await lose("restoreContext");
  assert.deepEqual(await shown(page, 256, 256), before);
  await page.close();
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
  await page.close();
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
  await page.close();
});

test("the published React player shows our stacked files right", async () => {
  const umd = (name) => readFileSync(join(root, "tests/browser/node_modules", name), "utf8");
  const page = await browser.newPage({ viewport: { width: 400, height: 400 } });
  await page.goto(server.url);
  await page.addScriptTag({ content: umd("react/umd/react.production.min.js") });
  await page.addScriptTag({ content: umd("react-dom/umd/react-dom.production.min.js") });
  const failure = await page.evaluate(async (code) => {
    const { React, ReactDOM } = window;
    const jsx = (type, { children, ...props }, key) =>
      React.createElement(type, { ...props, key }, ...[children].flat().filter(Boolean));
    const module = { exports: {} };
    new Function("module", "require", code)(module, (name) =>
      name === "react" ? React : { jsx, jsxs: jsx, Fragment: React.Fragment },
    );
    document.body.style.cssText = "margin:0;background:rgb(0,0,255)";
    const place = document.body.appendChild(document.createElement("div"));
    return new Promise((done) => {
      const props = { src: "/mascot-cut.mp4", onError: (error) => done(String(error)) };
      ReactDOM.createRoot(place).render(React.createElement(module.exports.StackedAlphaVideo, props));
      const look = () => {
        const video = document.querySelector("video");
        if (video?.currentTime > 0.3) {
          video.pause();
          done("");
        } else requestAnimationFrame(look);
      };
      look();
    });
  }, umd("@hypervideo-dev/react/dist/index.js"));
  assert.equal(failure, "");
  const screen = await shown(page, 256, 256);
  const [corner, belly] = [4 * (256 * 4 + 4), 4 * (256 * 190 + 135)];
  assert.deepEqual(screen.slice(corner, corner + 3), [0, 0, 255], "the corner is not clear");
  assert.ok(screen[belly] > 200 && screen[belly + 2] < 90, `the belly is ${screen.slice(belly, belly + 3)}`);
  await page.close();
});

test("it weighs less than 4 kB gzipped", () => {
  const bytes = gzipSync(readFileSync(join(root, "player/clearcut-video.js")), { level: 9 }).length;
  assert.ok(bytes < 4000, `${bytes} bytes`);
});

test("its package holds the module, fresh types, a README and both licences, and importing it in Node does nothing", () => {
  const types = mkdtempSync(join(tmpdir(), "clearcut-types-"));
  execFileSync(join(root, "web/node_modules/.bin/tsc"), ["-p", join(root, "player"), "--outDir", types]);
  const made = readFileSync(join(types, "clearcut-video.d.ts"), "utf8");
  assert.equal(readFileSync(join(root, "player/types/clearcut-video.d.ts"), "utf8"), made, "run npm run types in web");
  rmSync(types, { recursive: true });
  const packed = execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: join(root, "player"), encoding: "utf8" });
  const names = JSON.parse(packed)[0].files.map((file) => file.path);
  const wanted = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "clearcut-video.js", "package.json"];
  assert.deepEqual(names.sort(), [...wanted, "types/clearcut-video.d.ts", "types/index.d.ts"].sort());
  assert.ok(readdirSync(join(root, "player")).includes("example.html"));
  execFileSync(process.execPath, [
    "--input-type=module",
    "-e",
    `await import(${JSON.stringify(join(root, "player/clearcut-video.js"))})`,
  ]);
});
