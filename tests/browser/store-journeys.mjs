// A server on PostgreSQL whose results are presigned URLs of an S3-compatible store, in an untouched Chromium: the page and the player
// read another origin there. `make test-browser-store` starts both services.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { assertCut, mascot } from "../sdk/pictures.mjs";
import { binary, root, sample } from "../server/harness.mjs";
import { serve } from "./browser.mjs";
import { allowPages, documentedRules, startClusterServer } from "./shared-services.mjs";
import { downloaded, drawn, drop, host, pixelsOf, quick } from "./visit.mjs";

const CUT_MS = 120_000;
/** Longer than a page takes its links for new. */
const LATER_MS = 120_000;
const CLIP = "Fröhliche Füße.mp4";
const { come, theServer } = host(startClusterServer);

const textOf = (bytes) => bytes.toString("latin1");
/** Where the cut is clear, and where it is solid. */
const POINTS = [
  [0.02, 0.04],
  [0.53, 0.74],
];

/** Fails unless blue shines through around the subject, which is yellow. */
async function assertTransparent(page, selector) {
  const [clear, solid] = await pixelsOf(page, selector, POINTS);
  assert.ok(clear[0] <= 3 && clear[1] <= 3 && clear[2] >= 252, `the corner is ${clear} instead of blue`);
  assert.ok(solid[0] > 200 && solid[1] > 150 && solid[2] < 90, `the belly is ${solid} instead of yellow`);
}

/** The answers of the store to a page, as they come in. */
function answersOfStore(page) {
  const answers = [];
  page.on("response", (response) => {
    if (new URL(response.url()).origin !== theServer().storeOrigin) return;
    answers.push({ status: response.status(), type: response.request().resourceType() });
  });
  return answers;
}

/** What the server says of its jobs, of one if `path` is its id. */
async function jobs(path = "", { baseUrl } = theServer()) {
  const headers = { authorization: `Bearer ${theServer().key}` };
  return (await (await fetch(`${baseUrl}/api/v1/jobs/${path}`.replace(/\/$/, ""), { headers })).json()).data;
}

/** The outputs of the clip, by format. */
async function clipOutputs(server) {
  const all = (await jobs("", server)).jobs;
  const { outputs } = all.find(({ clipName }) => clipName === CLIP).result;
  return Object.fromEntries(outputs.map((output) => [output.format, output]));
}

const plays = (page) => page.waitForFunction(() => document.querySelector("clearcut-video")?.video.readyState >= 2);

/** Stops at a frame of the result, counted from 0. */
async function seek(page, frame) {
  await page.evaluate((frame) => {
    document.querySelector("clearcut-video").pause();
    const scrub = document.querySelector(".transport input");
    scrub.value = String(frame);
    scrub.dispatchEvent(new Event("input"));
  }, frame);
  const says = new RegExp(`frame ${frame + 1} of`);
  await page.waitForFunction((says) => says.test(document.querySelector(".time").textContent), says);
}

test("a clip: its cut plays, seeks and downloads from the store, in both formats, and after a reload", {
  timeout: CUT_MS,
}, async () => {
  const { page, context, complaints } = await come();
  const answers = answersOfStore(page);
  await quick(context);
  await page.reload();
  await page.waitForSelector("clip-drop");
  await drop(page, [CLIP], { [CLIP]: textOf(await readFile(sample("mascot.mp4"))) });
  await page.click("cut-options button[type=submit]");
  await page.waitForSelector("cut-result .split", { timeout: CUT_MS, state: "attached" });
  await page.fill(".tool input[type=color]", "#0000ff");
  await page.evaluate(() => {
    const split = document.querySelector(".split");
    split.value = "0";
    split.dispatchEvent(new Event("input"));
  });
  const playing = () =>
    page.evaluate(() => {
      const { kind, video } = document.querySelector("clearcut-video");
      return [kind, new URL(video.currentSrc).origin];
    });
  await plays(page);
  assert.deepEqual(await playing(), ["webm", theServer().storeOrigin]);
  await seek(page, 30);
  await assertTransparent(page, ".sheet");

  // The stacked file, whose pixels WebGL may only read if the store lets the page.
  await page.evaluate(() => document.querySelector("clearcut-video source[type='video/webm']").remove());
  await page.waitForFunction(() => document.querySelector("clearcut-video").kind === "stacked");
  await plays(page);
  await seek(page, 20);
  assert.deepEqual(await playing(), ["stacked", theServer().storeOrigin]);
  await assertTransparent(page, ".sheet");
  const media = answers.filter(({ type }) => type === "media");
  assert.ok(media.length >= 2 && media.every(({ status }) => status === 206), JSON.stringify(media));

  const outputs = await clipOutputs();
  for (const [format, label, file, mime] of [
    ["webm", "WebM", "Fröhliche Füße.webm", "video/webm"],
    ["stacked-alpha", "Stacked", "Fröhliche Füße-cut.mp4", "video/mp4"],
  ]) {
    const [name, bytes] = await downloaded(page, `a[aria-label^='Download ${label}']`);
    const stored = await fetch(outputs[format].url);
    assert.deepEqual([name, stored.headers.get("content-type")], [file, mime]);
    assert.equal(bytes.length, outputs[format].size);
    assert.ok(bytes.equals(Buffer.from(await stored.arrayBuffer())), `${name} is not what is stored`);
  }

  await page.reload();
  await page.click(`clip-card[data-state=done]:has-text("${CLIP}")`);
  await plays(page);
  assert.deepEqual(await playing(), ["webm", theServer().storeOrigin]);
  assert.deepEqual(complaints, []);
});

test("images: small pictures, comparison, single files and the ZIP come from the store by ranges", {
  timeout: CUT_MS,
}, async () => {
  const { page, complaints } = await come();
  const answers = answersOfStore(page);
  await page.waitForSelector("clip-drop");
  const images = { "one.png": mascot(), "two.jpg": mascot("mjpeg", "64:192"), "three.webp": mascot("libwebp") };
  const contents = Object.fromEntries(Object.entries(images).map(([name, bytes]) => [name, textOf(bytes)]));
  await drop(page, Object.keys(images), contents);
  await page.click("image-options button[type=submit]");
  await page.waitForSelector("image-result .split", { timeout: CUT_MS, state: "attached" });
  for (const at of [1, 2, 3]) await drawn(page, `image-tile:nth-child(${at}) canvas`);
  await page.click("[aria-label='Show two.jpg']");
  await page.waitForFunction(() => document.querySelector("img.before")?.naturalWidth === 64);
  const [name, bytes] = await downloaded(page, "[aria-label='Download the cut of one.png']");
  assert.equal(name, "one.png");
  assertCut(bytes);
  assert.ok(answers.length > 4 && answers.every(({ status }) => status === 206), JSON.stringify(answers));
  const [zipName, zip] = await downloaded(page, "a[aria-label^='Download All images']");
  assert.match(zipName, /\.zip$/);
  assert.ok(zip.includes("three.png") && zip.includes(bytes));
  assert.deepEqual(complaints, []);
});

test("one image is shown and downloaded from the store", { timeout: CUT_MS }, async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.png"], { "mascot.png": textOf(mascot()) });
  await page.click("image-options button[type=submit]");
  await page.waitForSelector("image-result .split", { timeout: CUT_MS, state: "attached" });
  const src = await page.getAttribute(".cut img", "src");
  assert.equal(new URL(src).origin, theServer().storeOrigin);
  const [name, bytes] = await downloaded(page, "a[aria-label^='Download PNG']");
  assert.equal(name, "mascot-cut.png");
  assertCut(bytes);
  assert.deepEqual(complaints, []);
});

/** Waits until a link opens nothing any more. */
const hasEnded = async (link) => {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const reply = await fetch(link);
    await reply.arrayBuffer();
    if (reply.status === 403) return;
    assert.ok(Date.now() < deadline, "the link has no end");
    await pause(50);
  }
};

test("links that have ended are asked for again: by what is chosen, downloaded or read, and by a player that fails", {
  timeout: CUT_MS,
}, async () => {
  const brief = await theServer().beside(["--role", "api", "--link-ttl-secs", "1"]);
  try {
    const { page, complaints } = await come();
    const answers = answersOfStore(page);
    let time = Date.now();
    const later = () => {
      time += LATER_MS;
      return page.clock.setFixedTime(time);
    };
    const jobRequests = "**/api/v1/jobs**";
    /** While `act` runs, the page has its jobs from a server whose links last a second. */
    const withBriefLinks = async (act) => {
      const { baseUrl } = theServer();
      const elsewhere = (url) => url.replace(baseUrl, brief.baseUrl);
      await page.route(jobRequests, (route) => route.continue({ url: elsewhere(route.request().url()) }));
      const result = await act();
      await page.unroute(jobRequests);
      return result;
    };
    const card = (name) => `clip-card[data-state=done]:has-text("${name}")`;
    /** Shows a result by links that have ended meanwhile. */
    const showEnded = async (name) => {
      await later();
      const link = await withBriefLinks(async () => {
        await page.click(card(name));
        const shown = await page.waitForFunction((name) => {
          if (document.querySelector(".result-head h2")?.textContent !== name) return false;
          const { href } = document.querySelector(".files a");
          return href.includes("X-Amz-Expires=1&") && href;
        }, name);
        return shown.jsonValue();
      });
      await hasEnded(link);
      await later();
    };

    // The page has been open for long.
    await withBriefLinks(async () => {
      await page.reload();
      await page.waitForSelector("clip-card >> nth=2");
    });
    // The browser has never read this one: it keeps what it has read.
    const ended = (await clipOutputs(brief)).webm.url;
    await hasEnded(ended);
    await later();
    await page.click(card(CLIP));
    await plays(page);
    await page.click(card("3 images"));
    for (const at of [1, 2, 3]) await drawn(page, `image-tile:nth-child(${at}) canvas`);
    assert.ok(answers.length > 4 && answers.every(({ status }) => status < 400), JSON.stringify(answers));

    await showEnded("3 images");
    assertCut((await downloaded(page, "[aria-label='Download the cut of one.png']"))[1]);
    await showEnded(CLIP);
    const [name] = await downloaded(page, "a[aria-label^='Download WebM']");
    assert.equal(name, "Fröhliche Füße.webm");

    await page.click(card(CLIP));
    await plays(page);
    await later();
    await page.evaluate((ended) => {
      const source = Object.assign(document.createElement("source"), { src: ended, type: "video/webm" });
      const player = document.querySelector("clearcut-video");
      player.addEventListener("error", () => {
        window.hasFailed = true;
      });
      player.replaceChildren(source);
    }, ended);
    await page.waitForFunction(() => window.hasFailed);
    await plays(page);
    assert.deepEqual(complaints, []);
  } finally {
    await brief.stop();
  }
});

/** An address of the store that takes a clip of one byte. */
async function directUrl() {
  const { baseUrl, key } = theServer();
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const created = await fetch(`${baseUrl}/api/v1/uploads`, { method: "POST", headers, body: '{"size": 1}' });
  return (await created.json()).data.directUrl;
}

/** A page of another origin, with the player. */
const elsewhere = () =>
  serve({ folders: [join(root, "player")], texts: { "/": "<!doctype html><meta charset=utf-8><title>t</title>" } });

test("the player on a page of another origin shows presigned files, transparent to the pixel", async () => {
  const web = await elsewhere();
  try {
    const { page, complaints } = await come({ to: { ...theServer(), baseUrl: web.url }, key: null });
    const outputs = await clipOutputs();
    for (const [format, kind] of [
      ["stacked-alpha", "stacked"],
      ["webm", "webm"],
    ]) {
      await page.evaluate(async (src) => {
        document.body.style.cssText = "margin:0;background:#00f";
        await import("/clearcut-video.js");
        const player = document.createElement("clearcut-video");
        player.setAttribute("src", src);
        player.setAttribute("muted", "");
        document.body.replaceChildren(player);
        await new Promise((ready, failed) => {
          player.addEventListener("loadeddata", ready);
          player.addEventListener("error", () => failed(new Error("the player shows nothing")));
        });
        await new Promise((ready) => {
          player.addEventListener("seeked", ready);
          player.currentTime = 1.01;
        });
        await new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(ready)));
      }, outputs[format].url);
      assert.equal(await page.evaluate(() => document.querySelector("clearcut-video").kind), kind);
      await assertTransparent(page, "clearcut-video");
    }
    assert.deepEqual(complaints, []);
  } finally {
    web.close();
  }
});

test("the doctor says of the bucket's rules what a browser finds", async () => {
  const { storeOrigin, variables } = theServer();
  const web = await elsewhere();
  const documented = await documentedRules();
  try {
    const { page } = await come({ to: { ...theServer(), baseUrl: web.url }, key: null });
    for (const [rules, verdict, reads, sends] of [
      [documented, "yes", true, true],
      [[{ ...documented[0], AllowedMethods: ["GET"] }], "advice", true, false],
      [[{ ...documented[0], AllowedOrigins: ["https://other.example"] }], "no", false, false],
    ]) {
      allowPages(storeOrigin, rules);
      // A browser remembers what it was told of an address.
      const put = await directUrl();
      const words = ["doctor", "--store", variables.CLEARCUT_STORE, "--origin", web.url, "--json"];
      const { stdout, status } = spawnSync(binary, words, { env: { ...process.env, ...variables }, encoding: "utf8" });
      const cors = stdout.split("\n").find((line) => line.includes('"cors"'));
      const found = await page.evaluate(
        async ([get, put]) => {
          const isLetIn = (url, init) =>
            fetch(url, { cache: "no-store", ...init }).then(
              () => true,
              () => false,
            );
          const body = new Blob(["x"], { type: "video/mp4" });
          return [await isLetIn(get, { headers: { range: "bytes=0-1" } }), await isLetIn(put, { method: "PUT", body })];
        },
        [(await clipOutputs()).webm.url, put],
      );
      assert.deepEqual(
        [JSON.parse(cors).verdict, status === 0, ...found],
        [verdict, verdict !== "no", reads, sends],
        cors,
      );
    }
  } finally {
    allowPages(storeOrigin, documented);
    web.close();
  }
});
