// A real server for the tests in JavaScript, ready as soon as it says that it listens; harness.py is that of the tests in Python.
// The binary is target/release/clearcut, or the one that CLEARCUT_BIN names.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const binary = process.env.CLEARCUT_BIN ?? join(root, "target/release/clearcut");
export const sample = (name) => join(root, "samples", name);

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => probe.once("listening", ready));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

/**
 * Starts a server in a fresh data folder, at a free port, with environment `variables` besides those of the tests. `restart` ends it
 * as a power cut does, and starts it again. `key` is there if its database is new.
 */
export async function startServer(flags = [], variables = {}) {
  const data = await mkdtemp(join(tmpdir(), "clearcut-test-"));
  const port = await freePort();
  const arguments_ = ["serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--log", "warn", ...flags];
  let { child, said } = await launch(arguments_, variables);
  const key = said.match(/hc_[A-Za-z0-9]{32}/)?.[0];
  const end = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return; // Killed, and never started again.
    const gone = new Promise((ended) => child.once("exit", ended));
    child.kill(signal);
    await gone;
  };
  const kill = () => end("SIGKILL");
  const start = async () => {
    ({ child } = await launch(arguments_, variables));
  };
  const restart = async () => {
    await kill();
    await start();
  };
  const stop = async () => {
    await end("SIGTERM");
    await rm(data, { recursive: true });
  };
  return { baseUrl: `http://127.0.0.1:${port}`, port, key, data, said, kill, start, restart, stop };
}

async function launch(arguments_, variables) {
  const env = { ...process.env, ...variables };
  const child = spawn(binary, arguments_, { stdio: ["ignore", "pipe", "inherit"], env });
  let said = "";
  await new Promise((ready, failed) => {
    child.stdout.on("data", (text) => {
      said += text;
      if (said.includes("listens on")) ready();
    });
    child.once("exit", (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
    child.once("error", failed);
  });
  return { child, said };
}
