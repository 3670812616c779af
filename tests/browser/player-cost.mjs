// What a page with many <clearcut-video> costs, of which those on the screen play: node player-cost.mjs [COUNT...]
// Prints for each count the memory of Chromium's processes, the seconds of processor that they take for a second, and the frames that
// are decoded meanwhile. There is no graphics processor: the processor draws.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, root } from "../server/harness.mjs";
import { launch, serve } from "./browser.mjs";

const SECONDS = 10;
const counts = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "clearcut-cost-"));
const clip = join(root, "samples/mascot.mp4");
execFileSync(binary, ["cut", clip, "-o", folder, "-f", "stacked-alpha", "--size", "256", "--quiet"]);
const server = await serve({
  folders: [folder, join(root, "player")],
  texts: { "/": "<!doctype html><title>t</title><style>clearcut-video{display:block;float:left}</style>" },
});

/** Memory that the process has for itself, and its share of what it has with others. In MiB. */
const memoryOf = (id) => Number(readFileSync(`/proc/${id}/smaps_rollup`, "utf8").match(/^Pss:\s+(\d+)/m)[1]) / 1024;

/** @param {number} count */
async function cost(count) {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(server.url);
    const scroll = (top) => page.evaluate((top) => scrollTo(0, top), top);
    await page.evaluate(async (count) => {
      await import("/clearcut-video.js");
      const tag =
        '<clearcut-video src="/mascot-cut.mp4" width="160" height="160" autoplay loop muted></clearcut-video>';
      document.body.innerHTML = tag.repeat(count);
    }, count);
    for (let top = 0; top < Math.ceil(count / 8) * 160; top += 320) {
      await scroll(top);
      await page.evaluate(async () => {
        const inSight = [...document.querySelectorAll("clearcut-video")].filter((player) => {
          const { top, bottom } = player.getBoundingClientRect();
          return bottom > 0 && top < innerHeight;
        });
        while (inSight.some(({ paused }) => paused)) await new Promise(requestAnimationFrame);
      });
    }
    await scroll(0);
    const session = await browser.newBrowserCDPSession();
    const look = async () => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      const [frames, playing, open] = await page.evaluate(() => {
        const players = [...document.querySelectorAll("clearcut-video")];
        const decoded = players.map((player) => player.getVideoPlaybackQuality().totalVideoFrames);
        return [
          decoded.reduce((sum, frames) => sum + frames, 0),
          players.filter(({ paused }) => !paused).length,
          players.filter(({ video }) => video.hasAttribute("src")).length,
        ];
      });
      return { processInfo, frames, playing, open, at: performance.now() };
    };
    const before = await look();
    await page.waitForTimeout(SECONDS * 1000);
    const after = await look();
    const taken = (after.at - before.at) / 1000;
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const time = ({ processInfo }) => sum(processInfo.map(({ cpuTime }) => cpuTime));
    const memory = sum(after.processInfo.map(({ id }) => memoryOf(id)));
    console.log(
      `${count} elements: ${after.playing} play, ${after.open} files are open, ${Math.round(memory)} MiB, ` +
        `${((time(after) - time(before)) / taken).toFixed(2)} processors, ${Math.round((after.frames - before.frames) / taken)} frames/s`,
    );
  } finally {
    await browser.close();
  }
}

try {
  for (const count of counts.length ? counts : [0, 1, 15, 60]) await cost(count);
} finally {
  server.close();
  rmSync(folder, { recursive: true });
}
