// Every command of the official command line, unmodified from npm, as a process of its own against a real server.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { root, sample, startServer } from "../server/harness.mjs";
import { assertColor, assertCut, decode, mascot, plain } from "./pictures.mjs";

const run = promisify(execFile);
const program = join(root, "tests/sdk/node_modules/.bin/hypervideo");

let server;
let home;

before(async () => {
  server = await startServer();
  home = await mkdtemp(join(tmpdir(), "clearcut-cli-"));
  await mkdir(join(home, "photos"));
  for (const name of ["one.png", "two.png"]) await writeFile(join(home, "photos", name), mascot());
  await writeFile(join(home, "mascot.png"), mascot());
  await writeFile(join(home, "mascot.jpg"), mascot("mjpeg"));
});

after(async () => {
  await server?.stop();
  if (home) await rm(home, { recursive: true });
});

/** What the command line sees: its own home, and this server in place of the published one. */
const environment = (more = {}) => ({
  PATH: process.env.PATH,
  HOME: home,
  HYPERVIDEO_API_URL: server.baseUrl,
  HYPERVIDEO_WEB_URL: server.baseUrl,
  ...more,
});

/** Runs a command with the API key; what it prints. */
const hypervideo = async (...words) => {
  const { stdout } = await run(program, words, { cwd: home, env: environment({ HYPERVIDEO_API_KEY: server.key }) });
  return stdout;
};

/** Runs a command that fails; its exit code, and what it prints. */
const failing = async (...words) => {
  try {
    await hypervideo(...words);
  } catch ({ code, stdout, stderr }) {
    return { code, said: stdout + stderr };
  }
  return assert.fail("it succeeded");
};

const file = (...parts) => readFile(join(home, ...parts));

test("bg-remove cuts one image, with the defaults and with a key color", async () => {
  await hypervideo("bg-remove", "mascot.jpg");
  assertCut(await file("mascot-nobg.png"));
  const { hex } = JSON.parse(await hypervideo("detect-color", "mascot.png", "--json"));
  await hypervideo("bg-remove", "mascot.png", "-o", "keyed/cut.png", "-c", hex, "-t", "25");
  assertCut(await file("keyed/cut.png"));
});

test("bg-remove cuts the images of a pattern, and those of a folder", async () => {
  assert.match(await hypervideo("bg-remove", "photos/*.png", "-o", "globbed"), /2 files processed/);
  assert.deepEqual((await readdir(join(home, "globbed"))).sort(), ["one-nobg.png", "two-nobg.png"]);
  for (const name of ["one-nobg.png", "two-nobg.png"]) assertCut(await file("globbed", name));
  await hypervideo("bg-remove", "photos", "-o", "batch");
  assert.deepEqual(await readdir(join(home, "batch")), await readdir(join(home, "globbed")));
});

test("bg-remove --continue leaves out an image that is refused, and says why", async () => {
  await mkdir(join(home, "mixed"));
  await writeFile(join(home, "mixed/a.png"), mascot());
  await writeFile(join(home, "mixed/b.png"), "%PDF-1.7");
  const { code, said } = await failing("bg-remove", "mixed", "-o", "mixed-out", "--continue");
  assert.equal(code, 1);
  assert.match(said, /1 succeeded, 1 failed/);
  assert.match(said, /PDF/);
  assert.deepEqual(await readdir(join(home, "mixed-out")), ["a-nobg.png"]);
});

test("resize writes each format in the size that is asked for", async () => {
  for (const format of ["jpeg", "png", "webp"]) {
    await hypervideo("resize", "mascot.png", "-w", "80", "-h", "40", "--fit", "contain", "-f", format, "-q", "85");
    const { kind, width, height } = decode(await file(`mascot-resized.${format}`));
    assert.deepEqual([kind, width, height], [format, 80, 40]);
  }
  await hypervideo("resize", "photos/*.png", "-w", "50", "-f", "webp", "-o", "resized");
  assert.equal(decode(await file("resized/two-resized.webp")).height, 50);
});

test("thumbnail keeps the format of the image, by preset, by sides and by one number", async () => {
  for (const [name, kind] of [
    ["mascot.png", "png"],
    ["mascot.jpg", "jpeg"],
  ]) {
    for (const [size, sides] of [
      ["medium", [300, 300]],
      ["120x60", [120, 60]],
      ["64", [64, 64]],
    ]) {
      await hypervideo("thumb", name, "-s", size, "-o", "thumb");
      const found = decode(await file("thumb"));
      assert.deepEqual([found.kind, found.width, found.height], [kind, ...sides]);
    }
  }
});

test("emoticons writes a PNG and a WebP of each size", async () => {
  await hypervideo("emoticons", "mascot.png", "-o", "emoticons");
  for (const side of [16, 24, 32, 48, 64, 96, 128, 256]) {
    for (const kind of ["png", "webp"]) {
      const found = decode(await file("emoticons", kind, `emoticon-${side}px.${kind}`));
      assert.deepEqual([found.kind, found.width, found.height], [kind, side, side]);
    }
  }
  const { code, said } = await failing("emoticons", "mascot.png", "-s", "5000");
  assert.equal(code, 1);
  assert.match(said, /from 1 to 1024/);
});

test("detect-color prints the color, also as JSON", async () => {
  await writeFile(join(home, "plain.png"), plain("0x2060a0", "64x48"));
  const color = JSON.parse(await hypervideo("detect-color", "plain.png", "--json"));
  assertColor(color, decode(await file("plain.png")).at(0, 0));
  assert.match(await hypervideo("detect-color", "plain.png"), new RegExp(color.hex));
});

test("video:bg-remove cuts a clip", { timeout: 120_000 }, async () => {
  await hypervideo("video:bg-remove", sample("mascot.mp4"), "-f", "webm", "--fps", "6", "-o", "cut.webm");
  assert.deepEqual((await file("cut.webm")).subarray(0, 4), Buffer.from([0x1a, 0x45, 0xdf, 0xa3]));
});

test("config keeps the key, with which commands then run", async () => {
  const bare = async (...words) => (await run(program, words, { cwd: home, env: environment() })).stdout;
  assert.match(await bare("config", "set", server.key), /API key saved/);
  assert.match(await bare("config", "get"), new RegExp(server.key.slice(-4)));
  assert.match(await bare("config", "show"), new RegExp(server.baseUrl));
  const path = (await bare("config", "path")).trim();
  assert.equal(JSON.parse(await readFile(path)).apiKey, server.key);
  await bare("detect-color", "mascot.png");
  assert.match(await bare("logout"), /logged out/i);
  await assert.rejects(stat(path));
});

test("login keeps the key that the page hands to its port", async () => {
  // A browser is not opened: the test is the person with the browser. tests/browser/cli-auth.test.mjs is the page's half.
  const login = spawn(program, ["login"], {
    env: environment({ BROWSER: "true" }),
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  const port = await new Promise((found) => {
    login.stdout.on("data", (text) => {
      said += text;
      const at = said.match(/http:\/\/localhost:(\d+)/);
      if (at) found(at[1]);
    });
  });
  const ended = new Promise((code) => login.once("exit", code));
  login.stdin.write("\n");
  assert.equal((await fetch(`${server.baseUrl}/cli-auth?port=${port}`)).status, 200);
  assert.equal((await fetch(`http://127.0.0.1:${port}/?success=true&key=${server.key}`)).status, 200);
  assert.equal(await ended, 0, said);
  const { apiKey } = JSON.parse(await file(".hypervideo/config.json"));
  assert.equal(apiKey, server.key);
});

test("a command without a key, or with a wrong one, says so", async () => {
  await rm(join(home, ".hypervideo"), { recursive: true, force: true });
  await assert.rejects(run(program, ["detect-color", "mascot.png"], { cwd: home, env: environment() }), /No API key/);
  const wrong = environment({ HYPERVIDEO_API_KEY: "hc_00000000000000000000000000000000" });
  await assert.rejects(run(program, ["detect-color", "mascot.png"], { cwd: home, env: wrong }), /API key/);
});
