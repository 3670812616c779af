// The package of <clearcut-video> as npm packs it: its files, its types, and its examples in React, in Vue and without either.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { compileScript, parse } from "vue/compiler-sfc";
import { root } from "../server/harness.mjs";
import { playerPages, shown } from "./player-pages.mjs";

const player = join(root, "player");
const examples = join(player, "examples");
const tool = (name) => join(root, "web/node_modules/.bin", name);
/** A project that has installed the package. */
const project = mkdtempSync(join(tmpdir(), "clearcut-project-"));
const { open } = playerPages();

before(() => {
  const packed = execFileSync("npm", ["pack", "--pack-destination", project], { cwd: player, encoding: "utf8" });
  const installed = join(project, "node_modules/clearcut-video");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(project, packed.trim()), "--strip-components=1", "-C", installed]);
});

after(() => rmSync(project, { recursive: true }));

/** One script of a module and all that it imports. @param {string} code @param {string} [folder] that its imports start from */
const bundle = (code, folder = join(root, "tests/browser")) =>
  execFileSync(
    tool("esbuild"),
    ["--bundle", "--format=esm", "--jsx=automatic", "--loader=jsx", '--define:process.env.NODE_ENV="production"'],
    {
      cwd: folder,
      input: code,
      encoding: "utf8",
      env: {
        ...process.env,
        NODE_PATH: [join(project, "node_modules"), join(root, "tests/browser/node_modules")].join(":"),
      },
    },
  );

test("it is one file under 8 kB gzipped, made from its sources as they are", () => {
  const made = mkdtempSync(join(tmpdir(), "clearcut-made-"));
  const { scripts } = JSON.parse(readFileSync(join(root, "web/package.json"), "utf8"));
  const elsewhere = scripts.player
    .replace("tsc -p ../player", `tsc -p ../player --outDir ${made}`)
    .replace(/&& cp \S+ \S+ /, "")
    .replace("--outfile=../player/", `--outfile=${made}/`);
  execFileSync("npx", ["-c", elsewhere], { cwd: join(root, "web") });
  for (const [name, committed] of [
    ["clearcut-video.js", "clearcut-video.js"],
    ["clearcut-video.d.ts", "types/clearcut-video.d.ts"],
  ])
    assert.equal(
      readFileSync(join(player, committed), "utf8"),
      readFileSync(join(made, name), "utf8"),
      "run npm run player in web",
    );
  rmSync(made, { recursive: true });
  const bytes = gzipSync(readFileSync(join(player, "clearcut-video.js")), { level: 9 }).length;
  assert.ok(bytes < 8000, `${bytes} bytes`);
});

test("its package holds the module, types, a README and both licences, and importing it in Node does nothing", () => {
  const packed = execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: player, encoding: "utf8" });
  const names = JSON.parse(packed)[0].files.map((file) => file.path);
  const types = ["clearcut-video", "index", "react"].map((name) => `types/${name}.d.ts`);
  const wanted = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "clearcut-video.js", "package.json", ...types];
  assert.deepEqual(names.sort(), wanted.sort());
  execFileSync(process.execPath, ["--input-type=module", "-e", 'await import("clearcut-video")'], { cwd: project });
});

test("its types are those of the element: with all of <video>, and in JSX", () => {
  writeFileSync(
    join(project, "use.tsx"),
    `import { ClearcutVideo } from "clearcut-video";
     import type {} from "clearcut-video/react";
     const player: ClearcutVideo = document.createElement("clearcut-video");
     const all: Omit<HTMLVideoElement, keyof HTMLElement> = player;
     player.muted = true;
     player.preload = "none";
     player.play().then(() => player.kind === "hevc" && player.video.paused);
     // @ts-expect-error It cannot be set.
     player.duration = 3;
     // @ts-expect-error There is none.
     player.nonsense;
     export const shown = <clearcut-video src="a.mp4" muted playsInline onended={() => {}} ref={(found) => void found?.play()} />;
     // @ts-expect-error There is none.
     export const wrong = <clearcut-video nonsense />;`,
  );
  const links = ["@types/react", "csstype"].map((name) => join(root, "tests/browser/node_modules", name));
  for (const [at, name] of ["@types/react", "csstype"].entries()) {
    mkdirSync(join(project, "node_modules", name, ".."), { recursive: true });
    execFileSync("ln", ["-s", links[at], join(project, "node_modules", name)]);
  }
  const flags =
    "--noEmit --strict --jsx react-jsx --target es2022 --module es2022 --moduleResolution bundler --lib es2022,dom,dom.iterable";
  const run = () =>
    execFileSync(tool("tsc"), [...flags.split(" "), "use.tsx"], { cwd: project, encoding: "utf8", stdio: "pipe" });
  assert.doesNotThrow(run, ({ stdout }) => assert.fail(stdout));
});

/** A component of Vue, compiled as a build does. @param {string} name */
function compiled(name) {
  const { descriptor } = parse(readFileSync(join(examples, name), "utf8"));
  const compilerOptions = { isCustomElement: (tag) => tag === "clearcut-video" };
  return compileScript(descriptor, { id: name, inlineTemplate: true, templateOptions: { compilerOptions } }).content;
}

for (const [framework, entry] of [
  [
    "React",
    () => `${readFileSync(join(examples, "sticker.jsx"), "utf8")}
      import { createRoot } from "react-dom/client";
      createRoot(document.body).render(<Sticker name="/mascot-cut" label="A mascot waves" />);`,
  ],
  [
    "Vue",
    () => `${compiled("Sticker.vue").replace("export default", "const Sticker =")}
      import { createApp } from "vue";
      createApp(Sticker, { name: "/mascot-cut", label: "A mascot waves" }).mount(document.body);`,
  ],
])
  test(`the example in ${framework} plays, tells, and stops`, async () => {
    const script = bundle(entry());
    const page = await open("", { background: "rgb(0,0,255)" });
    await page.addScriptTag({ content: script, type: "module" });
    await page.waitForFunction(() => document.querySelector("clearcut-video")?.readyState >= 2);
    const said = await page.evaluate(() => {
      const { loop, muted, video, kind, ariaLabel } = document.querySelector("clearcut-video");
      return { loop, muted, playsInline: video.playsInline, kind, ariaLabel };
    });
    assert.deepEqual(said, { loop: true, muted: true, playsInline: true, kind: "webm", ariaLabel: "A mascot waves" });
    await page.click("button:text-is('Play')");
    await page.waitForSelector("button:text-is('Pause')");
    await page.waitForFunction(() => document.querySelector("clearcut-video").currentTime > 0);
    await page.click("button:text-is('Pause')");
    await page.waitForSelector("button:text-is('Play')");
    assert.equal(await page.evaluate(() => document.querySelector("clearcut-video").paused), true);
  });

test("the example without a framework plays, tells, and stops", async () => {
  const page = await open("");
  await page.route("**/clip-cut.*", (route) =>
    route.continue({ url: route.request().url().replace("examples/clip-cut", "mascot-cut") }),
  );
  await page.goto(new URL("/examples/plain.html", page.url()).href);
  await page.click("p button");
  await page.waitForSelector("output:text-is('plays')");
  await page.evaluate(() => document.querySelector("clearcut-video").pause());
  await page.waitForSelector("output:text-matches('^paused at')");
});

test("the published React player shows our stacked files right", async () => {
  const script = bundle(`
    import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    import { StackedAlphaVideo } from "@hypervideo-dev/react";
    const onError = (error) => { window.failure = String(error); };
    createRoot(document.body).render(createElement(StackedAlphaVideo, { src: "/mascot-cut.mp4", onError }));`);
  const page = await open("", { background: "rgb(0,0,255)" });
  await page.addScriptTag({ content: script, type: "module" });
  await page.waitForFunction(() => window.failure || document.querySelector("video")?.currentTime > 0.3);
  assert.equal(await page.evaluate(() => window.failure ?? ""), "");
  await page.evaluate(() => document.querySelector("video").pause());
  const screen = await shown(page, 256, 256);
  const [corner, belly] = [4 * (256 * 4 + 4), 4 * (256 * 190 + 135)];
  assert.deepEqual([...screen.subarray(corner, corner + 3)], [0, 0, 255], "the corner is not clear");
  assert.ok(screen[belly] > 200 && screen[belly + 2] < 90, `the belly is ${[...screen.subarray(belly, belly + 3)]}`);
});
