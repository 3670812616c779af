// An untouched headless Chromium plays our files and reads their transparency.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { binary, root } from "../server/harness.mjs";
import { launch, serve } from "./browser.mjs";

let folder, server, browser, page;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "clearcut-browser-"));
  execFileSync(binary, [
    "cut",
    join(root, "samples/mascot.mp4"),
    "-o",
    folder,
    "-f",
    "webm,stacked-alpha,webp,apng",
    "--quiet",
  ]);
  server = await serve({ folders: [folder], texts: { "/": "<!doctype html><title>t</title>" } });
  browser = await launch();
  page = await browser.newPage();
  await page.goto(server.url);
});

after(async () => {
  await browser?.close();
  server?.close();
  if (folder) rmSync(folder, { recursive: true });
});

// Draws the source at half time and returns the RGBA values at the given points of a 720×720 frame.
const draw = (url, points) =>
  page.evaluate(
    async ([url, points]) => {
      let source;
      if (/\.(webm|mp4)$/.test(url)) {
        source = document.createElement("video");
        source.muted = true;
        source.src = url;
        await new Promise((ready, failed) => {
          source.onloadeddata = ready;
          source.onerror = () => failed(new Error(source.error.message));
        });
        await new Promise((ready) => {
          source.onseeked = ready;
          source.currentTime = source.duration / 2;
        });
      } else {
        source = new Image();
        source.src = url;
        await source.decode();
      }
      const canvas = document.createElement("canvas");
      canvas.width = source.videoWidth ?? source.naturalWidth;
      canvas.height = source.videoHeight ?? source.naturalHeight;
      const context = canvas.getContext("2d");
      context.drawImage(source, 0, 0);
      const pixels = points.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data]);
      return { width: canvas.width, height: canvas.height, duration: source.duration, pixels };
    },
    [url, points],
  );

const corner = [10, 10];
const belly = [380, 530];

for (const name of ["mascot-cut.webm", "mascot-cut.webp", "mascot-cut.apng"]) {
  test(`${name} is transparent around the subject and solid within it`, async () => {
    const drawn = await draw(name, [corner, belly]);
    assert.deepEqual([drawn.width, drawn.height], [720, 720]);
    const [clear, solid] = drawn.pixels;
    assert.ok(clear[3] <= 3, `the corner's alpha is ${clear[3]}`);
    assert.ok(solid[3] >= 252, `the belly's alpha is ${solid[3]}`);
    assert.ok(solid[0] > 200 && solid[1] > 150 && solid[2] < 90, `the belly is ${solid} instead of yellow`);
  });
}

test("stacked-alpha plays with color above and matte below", async () => {
  const below = ([x, y]) => [x, y + 720];
  const drawn = await draw("mascot-cut.mp4", [belly, below(belly), below(corner)]);
  assert.deepEqual([drawn.width, drawn.height], [720, 1440]);
  const [color, solid, clear] = drawn.pixels;
  assert.ok(color[0] > 200 && color[1] > 150 && color[2] < 90, `the belly is ${color} instead of yellow`);
  assert.ok(solid[0] >= 252, `the belly's matte is ${solid[0]}`);
  assert.ok(clear[0] <= 3, `the corner's matte is ${clear[0]}`);
});
