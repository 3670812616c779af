// README.md and the guide to the API: their code compiles, and runs as it stands.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { binary, root, sample, startServer } from "../server/harness.mjs";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const blocksOf = (text, language) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(([, code]) => code);

/** A folder for what a test makes, beside the packages that it imports, with a small clip and a photo. */
async function workFolder() {
  const folder = await mkdtemp(join(here, "generated/build-"));
  const small = [
    "-v",
    "error",
    "-i",
    sample("mascot.mp4"),
    "-vf",
    "scale=96:-2",
    "-t",
    "0.5",
    join(folder, "clip.mp4"),
  ];
  await run("ffmpeg", small);
  const photo = ["-v", "error", "-i", join(folder, "clip.mp4"), "-frames:v", "1", join(folder, "photo.jpg")];
  await run("ffmpeg", photo);
  return folder;
}

test("the TypeScript of README and guide compiles strictly, and that of README runs", {
  timeout: 180_000,
}, async () => {
  const [readme, guide] = await Promise.all(
    ["README.md", "docs/guides/api.md"].map((name) => readFile(join(root, name), "utf8")),
  );
  const server = await startServer();
  const folder = await workFolder();
  try {
    const snippets = [readme, guide].flatMap((text) => blocksOf(text, "ts"));
    assert.equal(snippets.length, 3);
    const names = snippets.map((_, index) => `snippet-${index}.mts`);
    for (const [index, code] of snippets.entries()) {
      await writeFile(join(folder, names[index]), code.replaceAll("http://127.0.0.1:8787", server.baseUrl));
    }
    const options = "--strict --target es2022 --lib es2023,dom,dom.iterable --module nodenext --types node".split(" ");
    await run(join(here, "node_modules/.bin/tsc"), [...options, ...names], { cwd: folder });
    const env = { ...process.env, CLEARCUT_KEY: server.key };
    const { stdout } = await run(process.execPath, ["snippet-0.mjs"], { cwd: folder, env });
    assert.match(stdout, /format: 'webm'[\s\S]*format: 'stacked-alpha'/);
    // What the guide says about require() holds as long as it says so.
    assert.throws(() => createRequire(import.meta.url)("@hypervideo-dev/sdk"));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
});

test("the command lines of README, and those for keys, run in their order", { timeout: 180_000 }, async () => {
  const shellsOf = async (name) => blocksOf(await readFile(join(root, name), "utf8"), "sh");
  const cuts = (await shellsOf("README.md")).filter((code) => code.startsWith("clearcut cut")).join("");
  const keys = (await shellsOf("docs/guides/server.md")).find((code) => code.startsWith("clearcut keys create"));
  const server = await startServer();
  const folder = await workFolder();
  try {
    await mkdir(join(folder, "bin"));
    await symlink(binary, join(folder, "bin/clearcut"));
    const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` };
    const options = { cwd: folder, env };
    await run("sh", ["-ec", `${cuts}\nls clip-cut.webm mascot.mov out/clip-cut.webm out/clip-cut.mp4`], options);
    await symlink(server.data, join(folder, "clearcut-data"));
    const { stdout } = await run("sh", ["-ec", keys], options);
    assert.match(stdout, /hc_[A-Za-z0-9]{32}[\s\S]*ci/);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
});
