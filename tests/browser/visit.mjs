// Visits the page of a real server.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before } from "node:test";
import { root, startServer } from "../server/harness.mjs";
import { launch } from "./browser.mjs";

/** The files of the page from here, in place of those in the binary: a change is seen without a build. */
const pageFolder = process.env.CLEARCUT_PAGE;

/** Serves the files of `pageFolder` to a browser. @param {import("playwright-core").BrowserContext} context */
const servePage = (context) =>
  context.route(/:\d+\/(page\/.*)?(\?.*)?$/, async (route) => {
    const name = new URL(route.request().url()).pathname.replace(/^\/(page\/)?/, "") || "index.html";
    const body = await readFile(join(pageFolder, name)).catch(() => undefined);
    const type = { css: "text/css", html: "text/html", js: "text/javascript", svg: "image/svg+xml" };
    return body ? route.fulfill({ body, contentType: type[name.split(".").pop()] }) : route.continue();
  });

/**
 * A page in a profile of its own, signed in unless `key` is null. What goes wrong in it, and every request to anybody but the
 * server, and the store if it has one, is gathered in `complaints`.
 * @param {import("playwright-core").Browser} browser
 */
export async function visit(browser, server, { key = server.key, path = "/", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  if (pageFolder) await servePage(context);
  const complaints = [];
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    // The status of a reply that the page explains to the person is no fault.
    if (message.type() === "error" && !/Failed to load resource/.test(text)) complaints.push(text);
  });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    const isOurs = origin === server.baseUrl || origin === server.storeOrigin;
    if (!/^(blob|data):$/.test(protocol) && !isOurs) complaints.push(`asked ${request.url()}`);
  });
  if (key) await context.addInitScript((key) => localStorage.setItem("clearcut.key", key), key);
  await page.goto(server.baseUrl + path);
  return { page, context, complaints };
}

/**
 * A server, as `start` makes it, and a browser for the tests of one file. `come` visits the server, or that named as `to`; what is
 * visited is closed when the test ends.
 */
export function host(start = startServer) {
  let server, browser;
  const contexts = [];
  before(async () => {
    browser = await launch();
    server = await start();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  const come = async (options) => {
    const visited = await visit(browser, options?.to ?? server, options);
    contexts.push(visited.context);
    return visited;
  };
  return { come, theServer: () => server };
}

const bytesOf = async (name) => (await readFile(join(root, "samples", name))).toString("base64");

/** Drops files of the samples, or of `contents` by name, on the page. */
export async function drop(page, names, contents = {}) {
  const files = await Promise.all(
    names.map(async (name) => [name, contents[name] ? btoa(contents[name]) : await bytesOf(name)]),
  );
  await page.evaluate((files) => {
    const transfer = new DataTransfer();
    for (const [name, base64] of files) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: name.endsWith(".mp4") ? "video/mp4" : "" }));
    }
    for (const type of ["dragenter", "dragover", "drop"])
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, files);
}

/** What a click on `selector` downloads: its name and its bytes. */
export async function downloaded(page, selector) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
  return [download.suggestedFilename(), await readFile(await download.path())];
}

/** Waits until the small picture at `selector`, which is drawn near the window alone, has its longer side of 320 pixels. */
export async function drawn(page, selector) {
  await page.locator(selector).first().scrollIntoViewIfNeeded();
  await page.waitForFunction((selector) => {
    const { width, height } = document.querySelector(selector);
    return Math.max(width, height) === 320;
  }, selector);
}

/** Fails unless axe finds nothing that a screen reader or a keyboard would trip over. */
export async function assertAccessible(page, where) {
  await page.evaluate(await readFile(join(root, "tests/browser/node_modules/axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  });
  assert.deepEqual(found, [], where);
}

/** Sets what is made, smaller and so sooner than the defaults. */
export const quick = (context, options = {}) =>
  context.addInitScript((options) => localStorage.setItem("clearcut.options", JSON.stringify(options)), {
    size: "256",
    formats: ["webm", "stacked-alpha"],
    ...options,
  });

/** RGBA of the screen at the points (shares of the element). */
export async function pixelsOf(page, selector, points) {
  const png = await page.locator(selector).screenshot();
  return page.evaluate(
    async ([base64, points]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes]));
      const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
      context.drawImage(image, 0, 0);
      return points.map(([x, y]) => [
        ...context.getImageData(Math.floor(x * image.width), Math.floor(y * image.height), 1, 1).data,
      ]);
    },
    [png.toString("base64"), points],
  );
}
