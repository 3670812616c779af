// The page at / in an untouched Chromium, against the real binary.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { binary, root, startServer } from "../server/harness.mjs";
import { serve } from "./browser.mjs";
import { assertAccessible, drop, host, pixelsOf, quick } from "./visit.mjs";

const run = promisify(execFile);
const CUT_MS = 120_000;
const { come, theServer } = host();

const cutButton = "cut-options button[type=submit]";

/** The job is well under way. The bar alone would not tell: it moves while the clip is sent, too. */
const isBeingCut = (page) =>
  page.waitForFunction(() => /Cutting, [2-9]\d %/.test(document.querySelector(".card-state")?.textContent));

test("the first paint takes less than 100 kB, all from this server", async () => {
  const { page, complaints } = await come();
  await page.waitForSelector("clip-drop");
  const sizes = await page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((entry) => [
      entry.name,
      entry.transferSize,
    ]),
  );
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  assert.ok(sizes.length > 10 && total > 10_000, `${sizes}`);
  assert.ok(total < 100_000, `${total} bytes`);
  assert.deepEqual(complaints, []);
});

test("the whole way: drop, options, progress, slider, backdrops, matte, frames, zoom, download, code", {
  timeout: CUT_MS,
}, async () => {
  const { page, context, complaints } = await come();
  await quick(context, { formats: ["webm", "stacked-alpha", "apng"] });
  await page.reload();
  await page.waitForSelector("clip-drop");
  await assertAccessible(page, "the empty page");
  await drop(page, ["mascot.mp4"]);
  await page.waitForSelector("clip-frame canvas:not([hidden])");
  await assertAccessible(page, "the options");

  // The eyedropper, with the keyboard.
  await page.focus("clip-frame canvas");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const [, red, green, blue] = (await page.innerText(".key-color"))
    .match(/#(..)(..)(..)/)
    .map((hex) => Number.parseInt(hex, 16));
  assert.ok(red > 200 && green < 80 && blue > 150, `picked ${red} ${green} ${blue} from magenta`);

  // All that it says meanwhile: the cut may be done before anyone looks.
  await page.evaluate(() => {
    window.stagesSaid = [];
    new MutationObserver(() => {
      const words = document.querySelector(".job-stage")?.textContent;
      if (words) window.stagesSaid.push(words);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await page.click(cutButton);
  await page.waitForSelector("cut-progress");
  await assertAccessible(page, "the progress");
  await page.waitForSelector("cut-result .split", { timeout: CUT_MS, state: "attached" });
  const said = await page.evaluate(() => window.stagesSaid);
  // A quick machine passes some of them before they can be said, but none is said out of turn or in other words.
  const stages = [
    "Uploading the clip",
    "Waiting for its turn",
    "Measuring the background",
    "Cutting frame by frame",
    "Checking and storing the files",
  ];
  const order = said.map((words) => stages.indexOf(words));
  assert.ok(
    new Set(order).size > 1 && order.every((at, n) => at >= 0 && at >= order[Math.max(n - 1, 0)]),
    `it said ${said}`,
  );
  await assertAccessible(page, "the result");

  const text = await page.innerText("cut-result");
  assert.match(text, /256 × 256/);
  assert.match(text, /Firefox/);
  assert.ok((await page.getAttribute("cut-result .split", "aria-label")).includes("Before and after"));

  // Paused, so that screenshots can be compared.
  await page.evaluate(() => document.querySelector("clearcut-video").pause());
  const frame = () => page.inputValue(".transport input");
  await page.evaluate(() => {
    const scrub = document.querySelector(".transport input");
    scrub.value = "30";
    scrub.dispatchEvent(new Event("input"));
  });
  await page.waitForFunction(() => /frame 31 of/.test(document.querySelector(".time").textContent));
  await page.click("[aria-label='One frame forward']");
  await page.waitForFunction(() => /frame 32 of/.test(document.querySelector(".time").textContent));
  await page.click("[aria-label='One frame back']");
  await page.click("[aria-label='One frame back']");
  await page.waitForFunction(() => /frame 30 of/.test(document.querySelector(".time").textContent));
  assert.equal(await frame(), "29");

  // The slider: the clip to the left of it, the cut to the right.
  const corners = [
    [0.02, 0.04],
    [0.98, 0.04],
  ];
  const split = (share) =>
    page.evaluate((share) => {
      const split = document.querySelector(".split");
      split.value = String(share);
      split.dispatchEvent(new Event("input"));
    }, share);
  await page.click("cut-viewer .pill:has([value=compare])");
  await page.click(".pill:has([value=black])");
  await split(50);
  let [left, right] = await pixelsOf(page, ".sheet", corners);
  assert.ok(left[0] > 180 && left[1] < 90, `the clip’s corner is ${left}, not magenta`);
  assert.ok(Math.max(...right.slice(0, 3)) <= 3, `the cut’s corner is ${right}, not black`);
  await split(0);
  await page.click(".pill:has([value=white])");
  [left, right] = await pixelsOf(page, ".sheet", corners);
  assert.ok(Math.min(...left.slice(0, 3), ...right.slice(0, 3)) >= 252, `${left} and ${right} are not white`);
  await page.fill(".tool input[type=color]", "#0000ff");
  [left] = await pixelsOf(page, ".sheet", corners);
  assert.ok(left[0] <= 3 && left[2] >= 252, `${left} is not blue`);

  // The matte: black around the subject, white within it.
  await page.click("cut-viewer .pill:has([value=matte])");
  const [outside, inside] = await pixelsOf(page, ".sheet", [corners[0], [0.53, 0.74]]);
  assert.ok(Math.max(...outside.slice(0, 3)) <= 3, `outside is ${outside}`);
  assert.ok(Math.min(...inside.slice(0, 3)) >= 250, `inside is ${inside}`);
  await page.click("cut-viewer .pill:has([value=cut])");

  await page.click(".pill:has-text('400 %')");
  const { width } = await page.locator(".sheet").boundingBox();
  assert.equal(Math.round(width), 4 * 256);

  // What is downloaded is what the server announced.
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("a[aria-label^='Download WebM']")]);
  assert.equal(download.suggestedFilename(), "mascot.webm");
  const bytes = await readFile(await download.path());
  assert.deepEqual([...bytes.subarray(0, 4)], [0x1a, 0x45, 0xdf, 0xa3]);

  // The transparency of the WebM, read back from a canvas.
  const alphas = await page.evaluate(() => {
    const { video } = document.querySelector("clearcut-video");
    const context = new OffscreenCanvas(256, 256).getContext("2d");
    context.drawImage(video, 0, 0);
    return [
      [4, 4],
      [135, 190],
    ].map(([x, y]) => context.getImageData(x, y, 1, 1).data[3]);
  });
  assert.ok(alphas[0] <= 3 && alphas[1] >= 252, `alpha is ${alphas}`);

  // The code does what it says.
  const code = async (tab) => {
    await page.click(`code-samples [role=tab]:text-is("${tab}")`);
    return page.innerText("code-samples pre");
  };
  const curl = (await code("curl")).split("\n\n")[0];
  const env = { ...process.env, CLEARCUT_KEY: theServer().key };
  const { stdout } = await run("sh", ["-c", curl], { cwd: join(root, "samples"), env });
  assert.match(stdout, /"status":"queued"/);
  const words = (await code("Command line")).replace(/^clearcut/, binary);
  await run("sh", ["-c", `${words} -o ${theServer().data}/out.webm --quiet`.replace(/--formats \S+/, "-f webm")], {
    cwd: join(root, "samples"),
  });
  assert.ok((await stat(join(theServer().data, "out.webm"))).size > 1000);
  assert.match(
    await code("TypeScript"),
    new RegExp(`baseUrl: "${theServer().baseUrl}"[\\s\\S]*chromaKey: { r: ${red}, g: ${green}, b: ${blue} }`),
  );
  assert.match(await code("HTML"), /<clearcut-video[\s\S]*"mascot.webm"[\s\S]*"mascot-cut.mp4"/);
  assert.deepEqual(complaints, []);
});

test("two clips queue, both are cut, and both are there after a reload", { timeout: CUT_MS }, async () => {
  const { page, context, complaints } = await come();
  await quick(context, { formats: ["webm"], size: "128" });
  await page.reload();
  await page.waitForSelector("clip-drop");
  await drop(page, ["mascot.mp4", "ghost.mp4"]);
  assert.equal(await page.innerText(cutButton), "Cut this clip");
  await page.click("text=Cut all 2");
  const done = (name) => `clip-card[data-state=done]:has-text("${name}")`;
  await page.waitForSelector(done("mascot.mp4"), { timeout: CUT_MS });
  await page.waitForSelector(done("ghost.mp4"), { timeout: CUT_MS });
  await page.reload();
  await page.route("**/input", (route) =>
    route.fulfill({ status: 410, json: { success: false, error: { code: "INPUT_GONE", message: "gone" } } }),
  );
  await page.click(`${done("ghost.mp4")} >> nth=0`);
  await page.waitForSelector("cut-result clearcut-video");
  await page.waitForFunction(() => document.querySelector("clearcut-video").video.readyState >= 2);

  // The clip is gone with the page, and on the server: it says so, and takes it again.
  await page.waitForSelector(".compare >> text=The server no longer has the clip");
  await assertAccessible(page, "a result without its clip");
  const choose = async (name) => {
    const [picker] = await Promise.all([page.waitForEvent("filechooser"), page.click(".compare button")]);
    await picker.setFiles(join(root, "samples", name));
    await page.waitForSelector(".sheet.has-before .before", { state: "attached" });
  };
  await choose("mascot.mp4");
  await page.waitForSelector(".compare >> text=Is it the right one?");
  await choose("ghost.mp4");
  await page.waitForSelector(".compare", { state: "hidden" });
  assert.equal(await page.locator(".before").count(), 1);
  assert.deepEqual(complaints, []);
});

test("a cancelled clip says so, can be tried again, and removed with its files", { timeout: CUT_MS }, async () => {
  const { page, context, complaints } = await come();
  await quick(context, { size: "", formats: ["webm", "stacked-alpha", "apng", "mov"] });
  await page.reload();
  await page.waitForSelector("clip-drop");
  await drop(page, ["dancer.mp4"]);
  await page.click(cutButton);
  await page.waitForFunction(() => /Cutting frame/.test(document.querySelector(".job-stage")?.textContent), null, {
    timeout: CUT_MS,
  });
  await page.click("cut-progress >> text=Cancel");
  await page.waitForSelector("h2:text-is('Cancelled')");
  await assertAccessible(page, "a cancelled clip");
  await page.click("text=Try again");
  await page.waitForSelector("cut-progress progress", { timeout: CUT_MS });
  await page.click("cut-progress >> text=Cancel");
  await page.waitForSelector("h2:text-is('Cancelled')");
  await page.click("cut-progress >> text=Remove");
  await page.click("dialog button.primary");
  await page.waitForFunction(() => !document.querySelector("cut-progress"));
  assert.deepEqual(complaints, []);
});

test("what is no video is refused in a sentence, and a damaged clip fails in one", { timeout: CUT_MS }, async () => {
  const { page, context, complaints } = await come();
  await quick(context);
  await page.reload();
  await page.waitForSelector("clip-drop");
  await drop(page, ["notes.txt"], { "notes.txt": "These are my notes." });
  await page.click(cutButton);
  await page.waitForSelector("cut-options .problem:not([hidden])");
  assert.match(await page.innerText("cut-options .problem"), /^The file is not a supported video, .* Try another file/);
  await assertAccessible(page, "a file that was refused");
  await page.click("text=Discard");
  const head = (await readFile(join(root, "samples/mascot.mp4"))).subarray(0, 64).toString("latin1");
  await drop(page, ["broken.mp4"], { "broken.mp4": head + "\0".repeat(4096) });
  await page.click(cutButton);
  await page.waitForSelector("h2:text-is('This clip could not be cut')", { timeout: CUT_MS });
  const said = await page.innerText("cut-progress [role=alert]");
  assert.match(said, /^[A-Z].*\. Try another file/);
  await assertAccessible(page, "a clip that failed");
  assert.deepEqual(complaints, []);
});

test("a clip that is removed elsewhere while it is cut leaves the page", { timeout: CUT_MS }, async () => {
  const own = await startServer();
  try {
    const { page, context, complaints } = await come({ to: own });
    await quick(context, { size: "", formats: ["webm", "stacked-alpha", "apng", "mov"] });
    await page.reload();
    await page.waitForSelector("clip-drop");
    await drop(page, ["dancer.mp4"]);
    await page.click(cutButton);
    await isBeingCut(page);
    const headers = { authorization: `Bearer ${own.key}` };
    const list = await (await fetch(`${own.baseUrl}/api/v1/jobs`, { headers })).json();
    await fetch(`${own.baseUrl}/api/v1/jobs/${list.data.jobs[0].jobId}`, { method: "DELETE", headers });
    await page.waitForSelector("main.is-empty");
    assert.equal(await page.locator("clip-card").count(), 0);
    assert.deepEqual(complaints, []);
  } finally {
    await own.stop();
  }
});

test("a clip whose files are kept no longer says so", async () => {
  const { page, complaints } = await come();
  await page.clock.setFixedTime(Date.now() + 25 * 3_600_000);
  await page.reload();
  await page.click("clip-card[data-state=done] >> nth=0");
  await page.waitForSelector("cut-result >> text=have expired");
  assert.equal(await page.locator("cut-viewer, .files").count(), 0);
  assert.deepEqual(complaints, []);
});

test("a clip that lies on the web is fetched by the server, not by the page", { timeout: CUT_MS }, async () => {
  const web = await serve({ folders: [join(root, "samples")] });
  const near = await startServer(["--allow-private-networks", "127.0.0.0/8"]);
  try {
    const { page, context, complaints } = await come({ to: near });
    await quick(context, { formats: ["webm"], size: "64" });
    await page.reload();
    await page.click("clip-drop summary");
    await page.fill("clip-drop input[type=url]", `${web.url}/ghost.mp4`);
    await page.click("clip-drop form button");
    await page.waitForSelector("cut-options");
    await page.click(cutButton);
    await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
    assert.match(await page.innerText("cut-result h2"), /ghost.mp4/);
    assert.deepEqual(complaints, []);
  } finally {
    await near.stop();
    web.close();
  }
});

test("a server that goes away is named, and the page goes on by itself when it is back", {
  timeout: CUT_MS,
}, async () => {
  const fragile = await startServer(["--lease-ttl-secs", "2"]);
  try {
    const { page, context } = await come({ to: fragile });
    await quick(context, { size: "", formats: ["webm", "stacked-alpha", "apng"] });
    await page.reload();
    await page.waitForSelector("clip-drop");
    await drop(page, ["mascot.mp4"]);
    await page.click(cutButton);
    await isBeingCut(page);
    await fragile.kill();
    await page.waitForSelector("cut-progress >> text=The server does not answer");
    await fragile.start();
    await page.waitForSelector("cut-result clearcut-video", { timeout: CUT_MS });
  } finally {
    await fragile.stop();
  }
});

test("an answer that breaks off is named, and asked for again", { timeout: CUT_MS }, async () => {
  const { hostname, port } = new URL(theServer().baseUrl);
  let lists = 0;
  const line = createServer((client) => {
    const server = connect(Number(port), hostname);
    let breaksOff = false;
    client.on("data", (request) => {
      // The first list ends in the middle of its JSON.
      if (request.includes("GET /api/v1/jobs?")) breaksOff = lists++ === 0;
      server.write(request);
    });
    server.on("data", (reply) => {
      if (breaksOff) client.end(reply.subarray(0, -5));
      else client.write(reply);
    });
    client.on("error", () => {}).on("close", () => server.destroy());
    server.on("error", () => {}).on("close", () => client.destroy());
  });
  await once(line.listen(0, "127.0.0.1"), "listening");
  try {
    const { page } = await come({ to: { ...theServer(), baseUrl: `http://127.0.0.1:${line.address().port}` } });
    await page.waitForSelector(".problem >> text=The server does not answer");
    await page.waitForSelector(".problem", { state: "hidden" });
    assert.equal(lists, 2);
  } finally {
    line.close();
  }
});

for (const width of [320, 1024, 2560]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`at ${width} px, ${colorScheme}, nothing is cut off and everything has contrast`, {
      timeout: CUT_MS,
    }, async () => {
      const { page, context } = await come({ colorScheme, reducedMotion: "reduce", viewport: { width, height: 900 } });
      await page.waitForSelector("clip-card");
      const fits = async (where) => {
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(wide, 0, `${where} is wider than the window`);
        await assertAccessible(page, where);
      };
      await page.click("clip-card[data-state=done] >> nth=0");
      await page.waitForSelector("cut-viewer .view");
      await fits("a result");
      await drop(page, ["mascot.mp4"]);
      await page.waitForSelector("clip-frame canvas:not([hidden])");
      await page.click("cut-options .more summary");
      await fits("the options");
      assert.ok(context);
    });
  }
}
