// `clearcut mcp` as assistants use it: the official client and the MCP inspector start the real binary, which cuts a real clip.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { binary, sample } from "../server/harness.mjs";

/** The formats of cuts. */
const FORMATS = [
  "webm",
  "stacked-alpha",
  "mp4",
  "webp",
  "apng",
  "gif",
  "mov",
  "hevc-alpha",
  "png-sequence",
  "sprite-sheet",
  "matte",
  "foreground",
  "poster",
];
/** What makes a cut short. */
const SMALL = { size: 64, fps: 2 };
/** What makes a cut long enough to be stopped in the middle of it. */
const LONG = { formats: ["webm", "apng", "mov"], speed: "best", quality: 100, size: 2048 };

let base;
let folder;
let client;
before(async () => {
  base = await mkdtemp(join(tmpdir(), "clearcut-mcp-"));
  folder = join(base, "clips");
  await mkdir(join(folder, "out"), { recursive: true });
  await copyFile(sample("mascot.mp4"), join(folder, "mascot.mp4"));
  await copyFile(sample("mascot.mp4"), join(base, "secret.mp4"));
  await symlink(join(base, "secret.mp4"), join(folder, "door.mp4"));
  const frame = ["-v", "error", "-i", sample("mascot.mp4"), "-frames:v", "1", join(folder, "photo.jpg")];
  await promisify(execFile)("ffmpeg", frame);
  await writeFile(join(folder, "letter.mp4"), "a letter to a friend, much longer than the head of any container\n");
  client = await connect();
});
after(async () => {
  await client?.close();
  assert.deepEqual(await processesIn(folder), []);
  await rm(base, { recursive: true });
});
// No test leaves a scratch folder.
afterEach(async () => assert.deepEqual(await scratchFolders(), []));

async function connect() {
  const connected = new Client({ name: "clearcut-tests", version: "1" });
  await connected.connect(new StdioClientTransport({ command: binary, args: ["mcp", "--root", folder] }));
  return connected;
}

const call = (name, arguments_ = {}, options = undefined) =>
  client.callTool({ name, arguments: arguments_ }, undefined, { timeout: 120_000, ...options });

/** The structured result of a call that works. */
async function ok(name, arguments_, options) {
  const { isError, structuredContent, content } = await call(name, arguments_, options);
  assert.ok(!isError, JSON.stringify(content));
  return structuredContent;
}

/** The error of a call that does not. */
async function refused(name, arguments_) {
  const { isError, structuredContent, content } = await call(name, arguments_);
  assert.ok(isError, JSON.stringify(structuredContent));
  assert.equal(structuredContent, undefined);
  return JSON.parse(content[0].text).error;
}

const scratchFolders = async () =>
  (await Promise.all([folder, join(folder, "out")].map((path) => readdir(path))))
    .flat()
    .filter((name) => name.startsWith(".clearcut-"));

/** Processes that have a file of this folder open or work in it. */
async function processesIn(path) {
  const found = [];
  for (const id of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const links = await readdir(`/proc/${id}/fd`).catch(() => []);
    const targets = await Promise.all(
      [`/proc/${id}/cwd`, ...links.map((link) => `/proc/${id}/fd/${link}`)].map((link) =>
        readlink(link).catch(() => ""),
      ),
    );
    if (targets.some((target) => target.startsWith(path))) found.push(id);
  }
  return found;
}

test("the server says who it is, which folders it uses, and what its tools take and give", async () => {
  assert.equal(client.getServerVersion().name, "clearcut");
  assert.match(client.getInstructions(), new RegExp(`Files must lie in: ${folder}`));
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), [
    "cancel_job",
    "cut",
    "cut_image",
    "detect_color",
    "job_status",
    "presets",
    "preview",
    "probe",
  ]);
  for (const { name, description, inputSchema, outputSchema, annotations } of tools) {
    assert.ok(description.length > 20, name);
    assert.equal(inputSchema.additionalProperties, false, name);
    assert.equal(outputSchema.type, "object", name);
    assert.equal(annotations.openWorldHint, false, name);
    for (const [argument, schema] of Object.entries(inputSchema.properties ?? {}))
      assert.ok(schema.description, `${name}.${argument}`);
  }
  const { properties, required } = tools.find(({ name }) => name === "cut").inputSchema;
  assert.deepEqual(required, ["input"]);
  assert.deepEqual(properties.formats.items.enum, FORMATS);
  const { minimum, maximum, default: usual } = properties.tolerance;
  assert.deepEqual([minimum, maximum, usual], [0, 100, 30]);
});

test("probe, detect_color and preview look at a clip and write nothing", async () => {
  const names = await readdir(folder);
  const clip = await ok("probe", { input: "mascot.mp4" });
  assert.deepEqual([clip.codec, clip.frames, clip.alpha, clip.seconds > 2], ["h264", 66, false, true]);
  const found = await ok("detect_color", { input: join(folder, "mascot.mp4") });
  assert.equal(found.background, "flat");
  assert.match(found.color, /^#[0-9A-F]{6}$/);
  assert.ok(found.confidence > 0.7);
  const { content, structuredContent } = await call("preview", { input: "mascot.mp4", at: 1, size: 128 });
  assert.equal(content[0].mimeType, "image/png");
  const png = Buffer.from(content[0].data, "base64");
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [structuredContent.width, structuredContent.height]);
  assert.equal(Math.max(structuredContent.width, structuredContent.height), 128);
  assert.deepEqual([structuredContent.method, structuredContent.reason], ["chromakey", "flat-background"]);
  const part = await ok("preview", { input: "mascot.mp4", trim: "0.5,1.5", crop: "1:2", size: 128 });
  assert.deepEqual([part.width, part.height], [64, 128]);
  assert.ok(Math.abs(part.time - 0.5) < 0.05, `${part.time}`);
  const outside = await refused("preview", { input: "mascot.mp4", trim: "0.5,1.5", at: 2 });
  assert.equal(outside.code, "INVALID_REQUEST");
  assert.deepEqual(await readdir(folder), names);
});

test("a cut writes its files, tells its progress, and never replaces a file unasked", {
  timeout: 120_000,
}, async () => {
  const told = [];
  const cut = { input: "mascot.mp4", output: "out", formats: ["webm", "webp"], ...SMALL };
  const done = await ok("cut", cut, { onprogress: (progress) => told.push(progress) });
  assert.equal(done.state, "done");
  const { files, method, report, warnings, notes, frames } = done.result;
  assert.deepEqual(
    files.map(({ path }) => path),
    ["webm", "webp"].map((extension) => join(folder, `out/mascot-cut.${extension}`)),
  );
  for (const { path, bytes } of files) assert.equal((await stat(path)).size, bytes);
  assert.deepEqual(
    [method, typeof report.acceptance, Array.isArray(warnings), Array.isArray(notes)],
    ["chromakey", "number", true, true],
  );
  assert.ok(frames > 0);
  assert.ok(told.length > 0);
  assert.ok(told.every(({ progress, total }, at) => total === 100 && (at === 0 || progress > told[at - 1].progress)));

  const before_ = await readFile(files[0].path);
  const error = await refused("cut", cut);
  assert.equal(error.code, "OUTPUT_EXISTS");
  assert.match(error.hint, /force/);
  assert.doesNotMatch(error.hint, /--/);
  assert.deepEqual(await readFile(files[0].path), before_);
  assert.equal((await ok("cut", { ...cut, force: true })).state, "done");
});

test("an image is measured and cut to a PNG", { timeout: 120_000 }, async () => {
  const { background, color, confidence } = await ok("detect_color", { input: "photo.jpg" });
  assert.deepEqual([background, confidence > 0.7], ["flat", true]);
  const probed = await ok("probe", { input: "photo.jpg" });
  assert.deepEqual(
    [probed.kind, probed.format, probed.orientation, probed.alpha, probed.background.color, probed.codec],
    ["image", "jpeg", 1, false, color, undefined],
  );
  const { content, structuredContent } = await call("preview", { input: "photo.jpg", size: 128 });
  const shown = Buffer.from(content[0].data, "base64");
  assert.deepEqual([shown.readUInt32BE(16), structuredContent.width, structuredContent.time], [128, 128, 0]);
  assert.equal(structuredContent.backgroundColor, color);
  for (const [field, value] of Object.entries({ at: 1, trim: "0,1", crop: "1:1" })) {
    const ofClips = await refused("preview", { input: "photo.jpg", [field]: value });
    assert.deepEqual([ofClips.code, ofClips.field], ["INVALID_REQUEST", field]);
  }
  const cut = await ok("cut_image", { input: "photo.jpg", output: "out", size: 96 });
  assert.equal(cut.path, join(folder, "out/photo-cut.png"));
  const png = await readFile(cut.path);
  assert.deepEqual([png.length, png.readUInt32BE(16), png.readUInt32BE(20)], [cut.bytes, cut.width, cut.height]);
  // RGBA.
  assert.equal(png[25], 6);
  assert.deepEqual([cut.method, Math.max(cut.width, cut.height)], ["chromakey", 96]);
  assert.ok(cut.removedShare > 0.3 && cut.warnings.length === 0, JSON.stringify(cut));
  const wrong = await ok("cut_image", { input: "photo.jpg", output: "out/whole.png", chromaKey: "#00FF00", size: 96 });
  assert.deepEqual(
    wrong.warnings.map(({ code }) => code),
    ["LOW_CONFIDENCE", "NOTHING_REMOVED"],
  );
  assert.match(color, /^#[0-9A-F]{6}$/);
  const error = await refused("cut_image", { input: "photo.jpg", output: "out" });
  assert.equal(error.code, "OUTPUT_EXISTS");
  await ok("cut_image", { input: "photo.jpg", output: "out/hard.png", softEdges: false, size: 96 });
  for (const [tool, arguments_, code, field] of [
    ["cut", { input: "photo.jpg" }, "INVALID_VIDEO", "input"],
    ["cut_image", { input: "photo.jpg", output: "out/photo.webm" }, "INVALID_REQUEST", "output"],
    ["cut_image", { input: "photo.jpg", formats: ["webm"] }, "INVALID_REQUEST", "formats"],
    ["cut_image", { input: "photo.jpg", size: 5 }, "INVALID_SIZE", "size"],
    ["cut_image", { input: "door.mp4" }, "INPUT_UNREADABLE", "input"],
    ["cut_image", { input: "mascot.mp4" }, "INVALID_IMAGE", undefined],
  ]) {
    const refusal = await refused(tool, arguments_);
    assert.deepEqual([refusal.code, refusal.field], [code, field], JSON.stringify(refusal));
  }
});

test("a cut in the background is followed by its id", { timeout: 120_000 }, async () => {
  const begun = await ok("cut", { input: "mascot.mp4", output: "out/later.mov", wait: false, ...SMALL });
  assert.ok(["waiting", "running"].includes(begun.state));
  const status = await ok("job_status", { jobId: begun.jobId, waitSeconds: 60 });
  assert.deepEqual([status.state, status.percent], ["done", 100]);
  assert.equal(status.result.files[0].path, join(folder, "out/later.mov"));
  assert.equal((await ok("cancel_job", { jobId: begun.jobId })).state, "done");
  assert.equal((await refused("job_status", { jobId: "cut-999" })).code, "JOB_NOT_FOUND");
});

test("cuts run one after the other, and a cancelled one leaves nothing", { timeout: 120_000 }, async () => {
  const first = await ok("cut", { input: "mascot.mp4", output: "out/first.webm", wait: false, ...LONG });
  const second = await ok("cut", { input: "mascot.mp4", output: "out/second.webm", wait: false, ...LONG });
  assert.equal((await ok("job_status", { jobId: second.jobId })).state, "waiting");
  for (const { jobId } of [second, first]) {
    const cancelled = await ok("cancel_job", { jobId });
    assert.deepEqual([cancelled.state, cancelled.error.code], ["cancelled", "JOB_CANCELLED"]);
  }
  const names = await readdir(join(folder, "out"));
  assert.ok(!names.some((name) => name.startsWith("first") || name.startsWith("second")), names.join());
});

test("a client that cancels its call stops the cut", { timeout: 120_000 }, async () => {
  const stop = new AbortController();
  const cut = { input: "mascot.mp4", output: "out/aborted.webm", ...LONG };
  const aborted = call("cut", cut, { signal: stop.signal, onprogress: () => stop.abort() });
  await assert.rejects(aborted);
  // Cuts run one at a time: this one begins when the other has ended.
  await ok("cut", { input: "mascot.mp4", output: "out/next.webm", ...SMALL });
  assert.ok(!(await readdir(join(folder, "out"))).some((name) => name.startsWith("aborted")));
});

test("bad arguments are errors of the tool with code, field and what is allowed", async () => {
  const clip = { input: "mascot.mp4" };
  const cases = [
    ["cut", { ...clip, tolerance: 150 }, "INVALID_TOLERANCE", "tolerance"],
    ["cut", { ...clip, tolerence: 5 }, "INVALID_REQUEST", "tolerence"],
    ["cut", { ...clip, formats: ["avi"] }, "INVALID_FORMATS", "formats"],
    ["cut", { ...clip, method: "ai", chromaKey: "#00FF00" }, "INVALID_REQUEST", "chromaKey"],
    ["cut", { input: "absent.mp4" }, "INPUT_UNREADABLE", "input"],
    ["cut", { ...clip, output: "absent/deeper/" }, "OUTPUT_UNWRITABLE", "output"],
    ["preview", { ...clip, at: -1 }, "INVALID_REQUEST", "at"],
    ["preview", { ...clip, size: 5000 }, "INVALID_SIZE", "size"],
  ];
  for (const [tool, arguments_, code, field] of cases) {
    const error = await refused(tool, arguments_);
    assert.deepEqual([error.code, error.field], [code, field], JSON.stringify(error));
    assert.ok(error.allowed, JSON.stringify(error));
  }
  assert.equal((await refused("cut", {})).code, "INVALID_REQUEST");
  assert.equal((await refused("preview", { ...clip, at: 999 })).code, "INVALID_REQUEST");
  for (const tool of ["cut", "preview", "detect_color", "probe"])
    assert.equal((await refused(tool, { input: "letter.mp4" })).code, "INVALID_VIDEO");
});

test("files outside of the folders are refused, through links too", async () => {
  for (const input of ["../secret.mp4", "door.mp4", "/etc/passwd"])
    for (const tool of ["cut", "preview", "detect_color", "probe"]) {
      const error = await refused(tool, { input });
      assert.deepEqual([error.code, error.field], ["INPUT_UNREADABLE", "input"]);
      assert.match(error.message, /outside/);
    }
  const error = await refused("cut", { input: "mascot.mp4", output: base });
  assert.deepEqual([error.code, error.field], ["OUTPUT_UNWRITABLE", "output"]);
});

test("every preset is accepted by cut", async () => {
  for (const { name, arguments: arguments_ } of (await ok("presets")).presets) {
    const begun = await ok("cut", { input: "mascot.mp4", output: `out/${name}`, ...arguments_, wait: false });
    assert.equal((await ok("cancel_job", { jobId: begun.jobId })).state, "cancelled");
  }
});

/** A server that is spoken to line by line. `answer` is the next message with this id. */
function raw(arguments_ = ["mcp", "--root", folder], options = {}) {
  const child = spawn(binary, arguments_, { stdio: ["pipe", "pipe", "pipe"], ...options });
  let log = "";
  child.stderr.on("data", (text) => {
    log += text;
  });
  const messages = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => messages.push(JSON.parse(line)));
  const answer = async (id) => {
    for (;;) {
      const found = messages.find((message) => message.id === id);
      if (found) return found;
      await once(lines, "line");
    }
  };
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const ended = once(child, "exit");
  return { child, send, answer, ended, log: () => log };
}

async function beginLongCut(server, output) {
  const initialize = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  server.send({ id: 1, method: "initialize", params: initialize });
  await server.answer(1);
  server.send({ method: "notifications/initialized" });
  const cut = { name: "cut", arguments: { input: "mascot.mp4", output, wait: false, ...LONG } };
  server.send({ id: 2, method: "tools/call", params: cut });
  const { jobId } = (await server.answer(2)).result.structuredContent;
  const look = { name: "job_status", arguments: { jobId } };
  for (let id = 3; ; id += 1) {
    server.send({ id, method: "tools/call", params: look });
    const { state } = (await server.answer(id)).result.structuredContent;
    if (state === "running" && (await scratchFolders()).length > 0) return;
  }
}

test("the end of standard input and signals stop the cut, and leave no process and no file", {
  timeout: 120_000,
}, async () => {
  for (const end of [
    ({ child }) => child.stdin.end(),
    ({ child }) => child.kill("SIGINT"),
    ({ child }) => child.kill("SIGTERM"),
  ]) {
    const server = raw(["mcp"], { cwd: folder });
    await beginLongCut(server, "out/ended");
    end(server);
    assert.deepEqual(await server.ended, [0, null], server.log());
    assert.ok(!(await readdir(join(folder, "out"))).some((name) => name.startsWith("ended")));
    assert.deepEqual(await scratchFolders(), []);
    assert.equal(server.log(), "");
  }
});

test("a killed server leaves no process", { timeout: 120_000 }, async () => {
  const server = raw();
  await beginLongCut(server, "out/killed");
  server.child.kill("SIGKILL");
  await server.ended;
  while ((await processesIn(folder)).some((id) => id !== String(client.transport.pid)))
    await new Promise((again) => setTimeout(again, 20));
  for (const name of await readdir(join(folder, "out")))
    if (name.startsWith(".clearcut-")) await rm(join(folder, "out", name), { recursive: true });
});

test("without --root the whole machine is not a folder, and a folder must exist", async () => {
  for (const [arguments_, cwd, message] of [
    [["mcp"], "/", /Name the folders with --root/],
    [["mcp", "--root", join(base, "absent")], base, /cannot be opened/],
  ]) {
    const server = raw(arguments_, { cwd });
    assert.deepEqual(await server.ended, [2, null]);
    assert.match(server.log(), message);
  }
});

test("the MCP inspector lists and calls the tools", { timeout: 60_000 }, async () => {
  const cli = fileURLToPath(new URL("node_modules/.bin/mcp-inspector-cli", import.meta.url));
  const inspect = async (...words) => {
    const run = promisify(execFile)(cli, ["--cli", binary, "mcp", "--root", folder, ...words]);
    return JSON.parse((await run).stdout);
  };
  const { tools } = await inspect("--method", "tools/list");
  assert.equal(tools.length, 8);
  const probed = await inspect("--method", "tools/call", "--tool-name", "probe", "--tool-arg", "input=mascot.mp4");
  assert.equal(probed.structuredContent.frames, 66);
});
