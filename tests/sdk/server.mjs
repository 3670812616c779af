// A server of its own for one test file: the real binary, a fresh data folder, a free port.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const binary = process.env.CLEARCUT_BIN ?? join(root, 'target/release/clearcut');
export const sample = (name) => join(root, 'samples', name);

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((ready) => probe.once('listening', ready));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

/** Starts a server and waits until it says that it listens. */
export async function startServer(flags = []) {
  const data = await mkdtemp(join(tmpdir(), 'clearcut-sdk-'));
  const server = await serve(data, await freePort(), flags);
  return { ...server, key: server.said.match(/hc_[A-Za-z0-9]{32}/)[0] };
}

async function serve(data, port, flags) {
  const arguments_ = ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--log', 'warn', ...flags];
  const child = spawn(binary, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  await new Promise((ready, failed) => {
    child.stdout.on('data', (text) => {
      said += text;
      if (said.includes('listens on')) ready();
    });
    child.once('exit', (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
    child.once('error', failed);
  });
  const end = async (signal) => {
    child.kill(signal);
    await new Promise((gone) => child.once('exit', gone));
  };
  const stop = async () => {
    await end('SIGTERM');
    await rm(data, { recursive: true });
  };
  /** Kills it without a word; what is returned starts it again where it was. */
  const kill = async () => {
    await end('SIGKILL');
    return () => serve(data, port, flags);
  };
  return { baseUrl: `http://127.0.0.1:${port}`, data, said, stop, kill };
}
