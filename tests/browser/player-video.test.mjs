// <clearcut-video> beside <video>: properties, methods, events, sizes, loading, posters and captions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { at, playerPages, shown } from "./player-pages.mjs";

const RED = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" fill="#f00"/></svg>`;
const CAPTIONS = "WEBVTT\n\n00:00.500 --> 00:01.500\nA mascot <i>waves</i>\n";
const { open } = playerPages({ texts: { "/red.svg": RED, "/en.vtt": CAPTIONS, "/bad.mp4": "no video" } });

const STACKED = '<clearcut-video src="/mascot-cut.mp4" muted></clearcut-video>';
/** Runs in the page, with the first element. */
const ask = (page, act, given) =>
  page.evaluate(
    ([act, given]) =>
      new Function("player", "given", `return (${act})(player, given)`)(
        document.querySelector("clearcut-video"),
        given,
      ),
    [String(act), given],
  );

test("it has every property, method and constant of <video>", async () => {
  const page = await open(STACKED);
  const lacking = await ask(page, (player) => {
    const video = document.createElement("video");
    const names = [];
    for (let known = HTMLVideoElement.prototype; known !== HTMLElement.prototype; known = Object.getPrototypeOf(known))
      names.push(...Object.getOwnPropertyNames(known));
    return names.filter((name) => !(name in player) || typeof player[name] !== typeof video[name]);
  });
  assert.deepEqual(lacking, []);
});

test("properties and attributes are one, as with <video>", async () => {
  const page = await open("<main></main>");
  const run = (tag) =>
    page.evaluate(async (tag) => {
      const element = document.createElement(tag);
      const said = [];
      const say = (name) =>
        said.push([name, element[name], element.outerHTML.replace(/<\/?[a-z-]+(video)?|>/g, "").trim()]);
      for (const [name, ...values] of [
        ["src", "/a.mp4", ""],
        ["poster", "b.png"],
        ["autoplay", true, false],
        ["loop", true, "", "yes"],
        ["controls", true, false],
        ["playsInline", true, false],
        ["defaultMuted", true, false],
        ["disablePictureInPicture", true],
        ["preload", "none", "auto", "", "wrong"],
        ["crossOrigin", "anonymous", "use-credentials", "wrong", null],
        ["width", 320],
        ["height", "180"],
        ["playbackRate", 2],
        ["defaultPlaybackRate", 1.5],
        ["preservesPitch", false],
        ["volume", 0.25],
        ["muted", false, true, false],
        ["currentTime", 1.5],
      ]) {
        say(name);
        for (const value of values) {
          element[name] = value;
          say(name);
        }
      }
      for (const [name, value] of [
        ["preload", "metadata"],
        ["crossorigin", ""],
        ["width", "12px"],
        ["loop", null],
        ["poster", null],
      ]) {
        if (value === null) element.removeAttribute(name);
        else element.setAttribute(name, value);
        say(name === "crossorigin" ? "crossOrigin" : name);
      }
      for (const name of ["paused", "ended", "seeking", "readyState", "error", "videoWidth", "NETWORK_LOADING"])
        say(name);
      return said;
    }, tag);
  assert.deepEqual(await run("clearcut-video"), await run("video"));
});

test("properties set before the element is defined, and before it has its file, are kept", async () => {
  const page = await open("<main></main>", {
    init: () => {
      addEventListener("DOMContentLoaded", () => {
        window.early = document.createElement("clearcut-video");
        Object.assign(window.early, {
          src: "/mascot-cut.mp4",
          muted: true,
          playbackRate: 2,
          currentTime: 1.2,
          loop: true,
        });
      });
    },
  });
  const kept = await page.evaluate(async () => {
    const { early } = window;
    document.querySelector("main").append(early);
    await new Promise((ready) => early.addEventListener("loadeddata", ready, { once: true }));
    await early.play();
    early.pause();
    return [early.muted, early.playbackRate, early.loop, early.getAttribute("src"), early.currentTime >= 1.2];
  });
  assert.deepEqual(kept, [true, 2, true, "/mascot-cut.mp4", true]);
});

test("what is set takes effect: rate, volume, time, loop, source", async () => {
  const page = await open(STACKED);
  await at(page, 0.5);
  const said = await ask(page, async (player) => {
    const changes = [];
    for (const type of ["ratechange", "volumechange", "ended", "emptied"])
      player.addEventListener(type, () => changes.push(type));
    player.playbackRate = 3;
    player.volume = 0.5;
    const { video } = player;
    const inner = [video.playbackRate, video.volume, video.muted, video.currentTime];
    await new Promise((ended) => {
      player.onended = ended;
      player.play();
    });
    const end = [player.ended, player.paused, player.currentTime === player.duration];
    player.loop = true;
    player.src = "/mascot-cut.webm";
    await new Promise((ready) => player.addEventListener("loadeddata", ready, { once: true }));
    return {
      inner,
      end,
      changes,
      kind: player.kind,
      loop: video.loop,
      currentSrc: player.currentSrc,
      height: player.videoHeight,
    };
  });
  assert.deepEqual(said.inner, [3, 0.5, true, 0.5]);
  assert.deepEqual(said.end, [true, true, true]);
  assert.deepEqual([...new Set(said.changes)].sort(), ["emptied", "ended", "ratechange", "volumechange"]);
  assert.deepEqual([said.kind, said.loop, said.height], ["webm", true, 256]);
  assert.match(said.currentSrc, /^http.*mascot-cut\.webm$/);
});

test("its events are those of <video>, in their order", async () => {
  const page = await open("<main></main>");
  const told = (tag) =>
    page.evaluate(async (tag) => {
      const element = document.createElement(tag);
      const events = [];
      const types = Object.keys(Object.getOwnPropertyDescriptors(HTMLElement.prototype))
        .filter((name) =>
          /^on(abort|canplay|canplaythrough|durationchange|emptied|ended|error|loaded|loadstart|pause|play|playing|ratechange|seek|volumechange)/.test(
            name,
          ),
        )
        .map((name) => name.slice(2));
      for (const type of types)
        element[`on${type}`] = ({ target }) => events.push(type + (target === element ? "" : "?"));
      const happens = (type) => new Promise((done) => element.addEventListener(type, done, { once: true }));
      element.muted = true;
      element.preload = "auto";
      element.src = "/mascot-cut.mp4";
      document.querySelector("main").replaceChildren(element);
      await happens("canplaythrough");
      element.currentTime = 1;
      await happens("seeked");
      element.play();
      await happens("playing");
      element.pause();
      await happens("pause");
      element.playbackRate = 16;
      element.play();
      await happens("ended");
      element.removeAttribute("src");
      element.load();
      // How often it can play again depends on the machine.
      return [...new Set(events)];
    }, tag);
  const [ours, theirs] = [await told("clearcut-video"), await told("video")];
  assert.ok(theirs.length > 12, `${theirs}`);
  assert.deepEqual(ours, theirs);
});

test("play() keeps its promise as <video> does", async () => {
  const page = await open(`${STACKED}<div style="height:6000px"></div>`);
  assert.equal(await ask(page, (player) => player.play().then(() => player.paused)), false);
  const paused = await ask(page, (player) => {
    player.load();
    const played = player.play();
    player.pause();
    return played.catch((error) => error.name);
  });
  assert.equal(paused, "AbortError");
  const changed = await ask(page, (player) => {
    const played = player.play();
    player.src = "/bad.mp4";
    return played.catch((error) => error.name);
  });
  assert.equal(changed, "AbortError");
  const failed = await ask(page, async (player) => {
    const names = [await player.play().catch((error) => error.name), await player.play().catch((error) => error.name)];
    return [...names, player.error instanceof MediaError, player.error.code, player.paused];
  });
  assert.deepEqual(failed, ["NotSupportedError", "NotSupportedError", true, 4, true]);
  // Off the screen, it waits.
  const waited = await ask(page, async (player) => {
    scrollTo(0, 5000);
    await new Promise((gone) => new IntersectionObserver(([entry]) => entry.isIntersecting || gone()).observe(player));
    player.src = "/mascot-cut.mp4";
    const order = [];
    const played = player.play().then(() => order.push("plays"));
    await new Promise((ready) => player.addEventListener("loadeddata", ready, { once: true }));
    order.push("on the screen");
    scrollTo(0, 0);
    await played;
    return [...order, player.paused];
  });
  assert.deepEqual(waited, ["on the screen", "plays", false]);
});

test("nothing is fetched before the element is near, unless it is asked for", async () => {
  const far = (attributes, n) =>
    `<clearcut-video id="${n}" muted ${attributes}><source src="/mascot-cut.mp4?${n}"><track src="/en.vtt?${n}" default></clearcut-video>`;
  const page = await open(
    `<clearcut-video id="shown" src="/mascot-cut.mp4" muted></clearcut-video>
     <clearcut-video id="lazy" src="/mascot-cut.mp4?none" preload="none" muted poster="/red.svg?none"></clearcut-video>
     <div style="height:6000px"></div>${far('poster="/red.svg?far"', "far")}${far("autoplay", "autoplay")}${far('preload="auto"', "auto")}`,
  );
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).search));
  const loaded = (id) =>
    page.evaluate(async (id) => {
      const player = document.getElementById(id);
      if (player.readyState < 2)
        await new Promise((ready) => player.addEventListener("loadeddata", ready, { once: true }));
      await new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(ready)));
    }, id);
  await loaded("shown");
  await loaded("auto");
  const before = page.asked.length;
  assert.ok(before >= 4, `${page.asked}`);
  const state = (id) =>
    page.evaluate((id) => [document.getElementById(id).readyState, document.getElementById(id).video.src], id);
  for (const id of ["far", "autoplay", "lazy"]) assert.deepEqual(await state(id), [0, ""], id);
  assert.deepEqual(
    asked.filter((query) => /far|autoplay/.test(query)),
    [],
  );
  // Asked for: played, or loaded.
  await page.evaluate(() => document.getElementById("lazy").play());
  await page.evaluate(() => document.getElementById("far").load());
  await loaded("far");
  assert.deepEqual(await state("autoplay"), [0, ""]);
  // Near.
  await page.evaluate(() => document.getElementById("autoplay").scrollIntoView());
  await page.evaluate(async () => {
    const player = document.getElementById("autoplay");
    if (player.paused) await new Promise((plays) => player.addEventListener("playing", plays, { once: true }));
  });
});

test("the poster is shown until it plays, and is fetched with the file", async () => {
  const page = await open('<clearcut-video src="/mascot-cut.mp4" poster="/red.svg" muted></clearcut-video>');
  await ask(page, async (player) => {
    if (player.readyState < 2)
      await new Promise((ready) => player.addEventListener("loadeddata", ready, { once: true }));
    await player.shadowRoot.querySelector("img").decode();
  });
  let screen = await shown(page, 256, 256);
  assert.deepEqual([...screen.subarray(0, 3)], [255, 0, 0]);
  await at(page, 1);
  screen = await shown(page, 256, 256);
  assert.ok(screen[1] > 200, `the poster is still there: ${[...screen.subarray(0, 3)]}`);
});

test("it has the box of <video>, before and after it is loaded, however it is sized", async () => {
  const page = await open("<main></main>");
  const sized = [
    ["", ""],
    ["", "width:100px"],
    ["", "height:90px"],
    ["", "width:100px;height:90px"],
    ["", "width:100%"],
    ["", "max-width:120px"],
    ['width="320" height="180"', ""],
    ['width="320" height="180"', "width:100%;height:auto"],
    ['width="100"', ""],
    ["", "width:200px;aspect-ratio:4/3"],
    ["", "flex:1;min-width:0;align-self:start"],
  ];
  const boxes = await page.evaluate(async (sized) => {
    const found = [];
    const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const [attributes, style] of sized) {
      const place = (tag) =>
        `<div style="width:350px;display:${style.startsWith("flex") ? "flex" : "flow-root"}">` +
        `<${tag} ${attributes} style="${style}" preload="none" muted></${tag}></div>`;
      const main = document.querySelector("main");
      main.innerHTML = place("clearcut-video") + place("video");
      const both = [...main.children].map((row) => row.firstElementChild);
      const boxesNow = () =>
        both.map((element) => {
          const { width, height } = element.getBoundingClientRect();
          return `${width} × ${height} in ${element.parentElement.getBoundingClientRect().height}`;
        });
      await drawn();
      const before = boxesNow();
      const ready = both.map((element) => new Promise((done) => element.addEventListener("loadeddata", done)));
      const files = ["/mascot-cut.mp4", "/mascot-cut.webm"];
      for (const [at, element] of both.entries()) {
        element.src = files[at];
        element.load();
      }
      await Promise.all(ready);
      await drawn();
      found.push([before, boxesNow()]);
    }
    return found;
  }, sized);
  for (const [at, [before, after]] of boxes.entries()) {
    assert.equal(before[0], before[1], `${sized[at]} before`);
    assert.equal(after[0], after[1], `${sized[at]} after`);
  }
});

for (const [name, style, attributes] of [
  ["attributes", "width:100%;height:auto", 'width="256" height="256"'],
  ["a style sheet", "display:block;width:100%;aspect-ratio:1", ""],
])
  test(`with its size from ${name} it moves nothing, whenever it is loaded`, async () => {
    const page = await open(`<style>clearcut-video{${style}}</style><main></main>`);
    const shift = await page.evaluate(async (attributes) => {
      const main = document.querySelector("main");
      main.innerHTML = `<clearcut-video ${attributes} preload="none" muted></clearcut-video><p>Text</p>`;
      const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const height = () => main.querySelector("p").getBoundingClientRect().top;
      await drawn();
      const before = height();
      const player = main.querySelector("clearcut-video");
      player.src = "/mascot-cut.mp4";
      player.load();
      await new Promise((ready) => player.addEventListener("loadeddata", ready, { once: true }));
      await drawn();
      return [before >= 400, height() - before];
    }, attributes);
    assert.deepEqual(shift, [true, 0]);
  });

for (const file of ["mascot-cut.mp4", "mascot-cut.webm"])
  test(`captions of a track are shown over ${file}, and not when they are turned off`, async () => {
    const page = await open(
      `<clearcut-video src="/${file}" muted><track kind="captions" src="/en.vtt" srclang="en" label="English" default></clearcut-video>`,
    );
    await at(page, 0.1);
    const text = () => ask(page, (player) => player.shadowRoot.querySelector(".captions").innerText.trim());
    assert.equal(await text(), "");
    await at(page, 1);
    await page.waitForFunction(() => document.querySelector("clearcut-video").textTracks[0].activeCues?.length === 1);
    assert.equal(await text(), "A mascot waves");
    assert.equal(await ask(page, (player) => player.shadowRoot.querySelector(".captions i").textContent), "waves");
    await ask(page, async (player) => {
      const [track] = player.textTracks;
      const changed = new Promise((done) => player.textTracks.addEventListener("change", done, { once: true }));
      track.mode = "disabled";
      await changed;
    });
    assert.equal(await text(), "");
  });
