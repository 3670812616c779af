// The whole way of a clip through the page, as one picture: drop, preview, options, progress, result, comparison.
// node journey.mjs FILE
import { startServer } from "../server/harness.mjs";
import { launch } from "./browser.mjs";
import { drop, visit } from "./visit.mjs";

const file = process.argv[2];
const CUT_MS = 120_000;
const STEPS = [
  "Drop a clip",
  "See a frame cut",
  "Choose its part and options",
  "Follow it",
  "Get the result",
  "Compare",
];
const viewport = { width: 1240, height: 800 };

const server = await startServer();
const browser = await launch();
try {
  const { page } = await visit(browser, server, { reducedMotion: "reduce", viewport });
  const pictures = /** @type {Buffer[]} */ ([]);
  const shoot = async () => {
    await page.evaluate(() => scrollTo(0, 0));
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    pictures.push(await page.screenshot());
  };
  await page.waitForSelector("clip-drop");
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([""], "mascot.mp4"));
    document.body.dispatchEvent(new DragEvent("dragenter", { dataTransfer, bubbles: true }));
  });
  await shoot();
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([""], "mascot.mp4"));
    document.body.dispatchEvent(new DragEvent("dragleave", { dataTransfer, bubbles: true }));
  });

  await drop(page, ["mascot.mp4"]);
  await page.click("frame-preview .pill:has-text('Cut')");
  await page.waitForSelector("frame-preview [role=status]:has-text('The background is')");
  await page.waitForSelector("img.preview:not([hidden])");
  await page.mouse.move(0, 0);
  await shoot();

  await page.click("frame-preview .pill:has-text('Original')");
  await page.click("frame-preview .pill:has-text('A box')");
  for (const [grip, key] of [
    ["top left", "ArrowUp"],
    ["bottom right", "ArrowDown"],
  ]) {
    await page.focus(`[data-grip='${grip}']`);
    for (let step = 0; step < 3; step += 1) await page.keyboard.press(`Shift+${key}`);
  }
  await page.focus(".trim-handle.end");
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("ArrowLeft");
  await page.click("cut-options .more summary");
  await page.selectOption("select[name=size]", "512");
  await page.focus("[data-grip=middle]");
  await shoot();

  await page.click("cut-options button[type=submit]");
  await page.waitForFunction(
    () => /Cutting frame/.test(document.querySelector(".job-stage")?.textContent ?? ""),
    null,
    {
      timeout: CUT_MS,
    },
  );
  await shoot();

  await page.waitForSelector("cut-result .split", { timeout: CUT_MS, state: "attached" });
  await page.evaluate(async () => {
    const scrub = /** @type {HTMLInputElement} */ (document.querySelector(".transport input"));
    const player = /** @type {Element} */ (document.querySelector("clearcut-video"));
    const seeked = new Promise((done) => player.addEventListener("seeked", done, { once: true }));
    scrub.value = "12";
    scrub.dispatchEvent(new Event("input"));
    await seeked;
  });
  await shoot();
  await page.click("cut-viewer .pill:has([value=compare])");
  await shoot();

  // The film strip is a page, too.
  const strip = await browser.newPage({ viewport: { width: 1860, height: 400 } });
  const figures = pictures.map(
    (png, at) =>
      `<figure><img alt="" src="data:image/png;base64,${png.toString("base64")}"><figcaption>${at + 1}. ${STEPS[at]}</figcaption></figure>`,
  );
  await strip.setContent(`<!doctype html><style>
    body { margin: 0; padding: 24px; background: #fff; font: 600 22px system-ui, sans-serif; color: #1c1b19;
      display: grid; grid-template-columns: repeat(3, 1fr); gap: 28px 24px; }
    figure { margin: 0; } img { width: 100%; display: block; border: 1px solid #dedbd3; border-radius: 10px; }
    figcaption { margin-top: 10px; }</style>${figures.join("")}`);
  await strip.screenshot({ path: file, fullPage: true });
} finally {
  await browser.close();
  await server.stop();
}
