// Screenshots of the page for the documentation: the preview, one cut at three widths, light and dark, and images.
// node screenshots.mjs FOLDER
import { join } from "node:path";
import { mascot } from "../sdk/pictures.mjs";
import { startServer } from "../server/harness.mjs";
import { launch } from "./browser.mjs";
import { drop, visit } from "./visit.mjs";

const folder = process.argv[2];
const server = await startServer();
const browser = await launch();
try {
  const { page } = await visit(browser, server, { reducedMotion: "reduce" });
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.mp4", "wheel.mp4"]);
  await page.click("clip-card:has-text('mascot')");
  await page.waitForSelector("clip-frame canvas:not([hidden])");
  await page.setViewportSize({ width: 1024, height: 768 });
  await page.click("frame-preview .pill:has-text('Matte')");
  await page.waitForSelector("img.preview:not([hidden])");
  await page.waitForFunction(() =>
    /^The background is/.test(document.querySelector("frame-preview [role=status]").textContent),
  );
  await page.screenshot({ path: join(folder, "page-preview.png") });
  await page.click("text=Cut all 2");
  await page.waitForSelector("cut-result .split", { timeout: 120_000, state: "attached" });
  await page.waitForSelector("clip-card[data-state=done]:has-text('wheel')", { timeout: 120_000 });
  await page.click("cut-viewer .pill:has([value=compare])");
  await page.evaluate(async () => {
    const scrub = document.querySelector(".transport input");
    const seeked = new Promise((done) => document.querySelector("clearcut-video").addEventListener("seeked", done));
    scrub.value = "24";
    scrub.dispatchEvent(new Event("input"));
    await seeked;
  });
  for (const [width, height] of [
    [320, 700],
    [1024, 768],
    [3840, 2160],
  ]) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height });
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      await page.screenshot({ path: join(folder, `page-${width}-${colorScheme}.png`), fullPage: width === 320 });
    }
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize({ width: 1024, height: 1390 });
  const images = { "mascot.png": mascot("png", "512:512"), "wide.jpg": mascot("mjpeg", "640:320") };
  const broken = mascot().subarray(0, 60);
  const contents = Object.entries({ ...images, "broken.png": broken }).map(([name, bytes]) => [
    name,
    bytes.toString("latin1"),
  ]);
  await drop(page, ["mascot.png", "broken.png", "wide.jpg"], Object.fromEntries(contents));
  await page.click("image-options button[type=submit]");
  await page.waitForSelector("image-result .split", { timeout: 120_000, state: "attached" });
  await page.click("image-viewer .pill:has([value=compare])");
  await page.waitForFunction(() =>
    [...document.querySelectorAll("image-tile canvas")].every((picture) => picture.width !== 300),
  );
  await page.screenshot({ path: join(folder, "page-images.png") });
} finally {
  await browser.close();
  await server.stop();
}
