// The official command line, unmodified from npm, signs in through the page.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { root } from "../server/harness.mjs";
import { assertAccessible, host } from "./visit.mjs";

const run = promisify(execFile);
const hypervideo = join(root, "tests/browser/node_modules/.bin/hypervideo");
const { come, theServer } = host();
let home;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "clearcut-cli-"));
});

after(async () => {
  if (home) await rm(home, { recursive: true });
});

/** What the command line sees. No browser of its own is opened: the test is the person with the browser. */
const environment = () => {
  const { baseUrl } = theServer();
  const hosts = { HYPERVIDEO_WEB_URL: baseUrl, HYPERVIDEO_API_URL: baseUrl };
  return { PATH: process.env.PATH, HOME: home, BROWSER: "true", ...hosts };
};

test("login gets the key when the person confirms, and the command line then cuts a clip", {
  timeout: 120_000,
}, async () => {
  const login = spawn(hypervideo, ["login"], { env: environment(), stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  const port = await new Promise((found) => {
    login.stdout.on("data", (text) => {
      said += text;
      const at = said.match(/http:\/\/localhost:(\d+)/);
      if (at) found(at[1]);
    });
  });
  login.stdin.write("\n");
  const ended = new Promise((code) => login.once("exit", code));
  const { page, complaints } = await come({ path: `/cli-auth?port=${port}` });
  await page.waitForSelector('button:text-is("Allow")');
  assert.match(await page.innerText("main"), new RegExp(`port ${port}`));
  await assertAccessible(page, "the confirmation");
  assert.deepEqual(complaints, []);
  await page.click('button:text-is("Allow")');
  assert.equal(await ended, 0, said);
  assert.match(said, /Successfully authenticated/);

  const out = join(home, "cut.mp4");
  await run(hypervideo, ["video:bg-remove", join(root, "samples/mascot.mp4"), "-f", "stacked-alpha", "-o", out], {
    env: environment(),
  });
  assert.equal((await readFile(out)).subarray(4, 8).toString(), "ftyp");
});

test("a person who says no gives nothing, and one who is not signed in is asked for a key first", async () => {
  const { page } = await come({ path: "/cli-auth?port=8472" });
  await page.click("text=Deny");
  await page.waitForSelector("text=Access denied");
  const stranger = await come({ path: "/cli-auth?port=8472", key: null });
  await stranger.page.waitForSelector("key-prompt");
  await stranger.page.fill("key-prompt input", theServer().key);
  await stranger.page.click("key-prompt button");
  await stranger.page.waitForSelector('button:text-is("Allow")');
});

test("no other port and no other machine gets the key, and a state comes back as it was", async () => {
  for (const port of ["", "80", "8471", "8500", "8472.0", "8472@evil.example", "0x2118", "%208472"]) {
    const { page } = await come({ path: `/cli-auth?port=${port}` });
    await page.waitForSelector("text=This link is invalid");
    assert.equal(await page.locator("button").count(), 0, port);
  }
  const { page } = await come({ path: `/cli-auth?port=8499&state=${encodeURIComponent("a b&key=x#y")}` });
  const asked = page.waitForRequest((request) => request.url().startsWith("http://localhost:8499/"));
  await page.click('button:text-is("Allow")');
  const { host, pathname, searchParams } = new URL((await asked).url());
  assert.deepEqual([host, pathname], ["localhost:8499", "/"]);
  assert.deepEqual(
    [...searchParams],
    [
      ["success", "true"],
      ["key", theServer().key],
      ["state", "a b&key=x#y"],
    ],
  );
});
