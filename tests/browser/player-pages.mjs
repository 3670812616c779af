// Pages with <clearcut-video> and cuts of the samples, for the tests of the player in one file.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before } from "node:test";
import { binary, root } from "../server/harness.mjs";
import { launch, serve } from "./browser.mjs";

/**
 * Cuts `samples` into `formats`, and serves them beside the player, `texts` and `folders`. `prepare` gets the folder of the cuts.
 * @param {{ samples?: string[], formats?: string, size?: number, texts?: Record<string, string>, folders?: string[],
 *   prepare?: (folder: string) => void }} content
 */
export function playerPages(content = {}) {
  const {
    samples = ["mascot"],
    formats = "webm,stacked-alpha",
    size = 256,
    texts = {},
    folders = [],
    prepare,
  } = content;
  let folder, server, browser;
  const pages = [];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "clearcut-player-"));
    for (const sample of samples) {
      const clip = join(root, "samples", `${sample}.mp4`);
      execFileSync(binary, ["cut", clip, "-o", folder, "-f", formats, "--size", String(size), "--quiet"]);
    }
    await prepare?.(folder);
    server = await serve({
      folders: [folder, join(root, "player"), ...folders],
      texts: { "/": "<!doctype html><html lang=en><meta charset=utf-8><title>t</title>", ...texts },
    });
    browser = await launch();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
  });
  after(async () => {
    await browser?.close();
    server?.close();
    if (folder) rmSync(folder, { recursive: true });
  });
  /** A page with `html` in its body, and the element defined. `page.asked` has the names of the files that it fetched. */
  const open = async (html, { background = "#fff", init = undefined, path = "/", ...options } = {}) => {
    const page = await browser.newPage({ viewport: { width: 400, height: 400 }, ...options });
    pages.push(page);
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname.slice(1)));
    if (init) await page.addInitScript(init);
    await page.goto(server.url + path);
    await page.evaluate(
      async ([html, background]) => {
        document.body.style.cssText = `margin:0;background:${background}`;
        document.body.innerHTML = html;
        await import("/clearcut-video.js");
      },
      [html, background],
    );
    return Object.assign(page, { asked });
  };
  return { open, theServer: () => server, theFolder: () => folder };
}

/** Waits until the first element shows the frame at `seconds`. */
export const at = (page, seconds) =>
  page.evaluate(async (seconds) => {
    const player = document.querySelector("clearcut-video");
    if (player.readyState < 2)
      await new Promise((ready) => player.addEventListener("loadeddata", ready, { once: true }));
    await new Promise((ready) => {
      player.addEventListener("seeked", ready, { once: true });
      player.currentTime = seconds;
    });
    await new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(ready)));
  }, seconds);

/** What the screen shows, as RGBA. */
export async function shown(page, width, height) {
  const png = await page.screenshot({ clip: { x: 0, y: 0, width, height } });
  const pixels = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return new Uint8Array(context.getImageData(0, 0, image.width, image.height).data.buffer).toBase64();
  }, png.toString("base64"));
  return Buffer.from(pixels, "base64");
}
