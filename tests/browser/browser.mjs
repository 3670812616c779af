// A browser, and a web server over folders and texts, for one test file.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";

const QUIET =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

/** Debian's Chromium, with a profile of its own and nothing to say to anybody. */
export const launch = () =>
  chromium.launch({ executablePath: "/usr/bin/chromium", args: [...QUIET.split(" "), "--enable-unsafe-swiftshader"] });

const TYPES = {
  ".apng": "image/apng",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".mp4": "video/mp4",
  ".svg": "image/svg+xml",
  ".vtt": "text/vtt",
  ".webm": "video/webm",
  ".webp": "image/webp",
};

/** Sends a file, or the range of it that a player asks for, as the links of clearcut do. */
function sendPart(reply, bytes, range) {
  const [, first, last] = range?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
  reply.setHeader("accept-ranges", "bytes");
  if (!first || Number(first) >= bytes.length) return reply.end(bytes);
  const end = Math.min(Number(last || bytes.length - 1), bytes.length - 1);
  reply.writeHead(206, { "content-range": `bytes ${first}-${end}/${bytes.length}` });
  reply.end(bytes.subarray(Number(first), end + 1));
}

/**
 * Serves `texts` by path, and else the files of `folders` by name.
 * @param {{ folders: string[], texts?: Record<string, string> }} content
 */
export async function serve({ folders, texts = {} }) {
  const server = createServer(async (request, reply) => {
    const path = new URL(request.url ?? "", "http://localhost").pathname;
    reply.setHeader("content-type", TYPES[extname(path)] ?? "text/html");
    reply.setHeader("access-control-allow-origin", "*");
    if (path in texts) return reply.end(texts[path]);
    for (const folder of folders) {
      const bytes = await readFile(join(folder, path)).catch(() => undefined);
      if (bytes) return sendPart(reply, bytes, request.headers.range);
    }
    reply.writeHead(404).end();
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
