import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Home, StartedServer } from './peer-server.ts';
import { findPython } from './python.ts';
import { recordFile, recordHttp } from './recorder.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const official = (name: string): string => file(`node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);

const STARTED_WITHIN_MS = 20_000;

/** An official server that the gateway starts; all that it may touch is in its own folder. */
export async function stdioServer(
  { folder }: Home,
  name: string,
  args: string[],
  envs: string[] = [],
): Promise<StartedServer> {
  const log = join(folder, 'messages.log');
  const command = [file('servers/tee.mjs'), log, process.execPath, official(name), ...args];
  return {
    registration: { connection_type: 'stdio', stdio_config: { command: process.execPath, args: command, envs } },
    back: recordFile(log),
  };
}

/** The file system server over a folder with one file. */
export async function filesystemServer(home: Home): Promise<StartedServer> {
  const files = join(home.folder, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'hello.txt'), 'Hello from the file\n');
  return stdioServer(home, 'filesystem', [files]);
}

/** The everything server in a process of its own. */
export async function startHttpServer(home: Home, kind: 'streamableHttp' | 'sse'): Promise<StartedServer> {
  const port = await freePort();
  const transport = kind === 'sse' ? 'sse' : 'http';
  const args = ['--import', file('servers/loopback-only.mjs'), official('everything'), kind];
  const url = `http://127.0.0.1:${port}/${transport === 'sse' ? 'sse' : 'mcp'}`;
  await startProcess(home, { command: process.execPath, args, port });
  return reachable(home, url, transport);
}

/** A server of the official Python SDK, if Python and the SDK can be had. */
export async function startPython(home: Home): Promise<StartedServer | string> {
  const python = await findPython();
  if ('missing' in python) return python.missing;
  const port = await freePort();
  const args = [file('servers/python-server.py'), String(port)];
  await startProcess(home, { command: python.command, args, port });
  return reachable(home, `http://127.0.0.1:${port}/mcp`, 'http');
}

async function reachable({ stack }: Home, url: string, transport: 'http' | 'sse'): Promise<StartedServer> {
  const back = stack.use(await recordHttp(url));
  return {
    direct: { url, transport },
    registration: { connection_type: transport, connection_string: back.url },
    back,
  };
}

interface Program {
  readonly command: string;
  readonly args: string[];
  readonly port: number;
}

async function startProcess({ stack }: Home, { command, args, port }: Program): Promise<void> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PORT: String(port) },
  });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors = (errors + text.toString()).slice(-2000)));
  const exited = once(child, 'exit');
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  stack.defer(async () => {
    kill();
    await exited;
    process.off('exit', kill);
  });
  const end = performance.now() + STARTED_WITHIN_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > end)
      throw new Error(`${args.join(' ')} did not start: ${errors}`);
    await sleep(50);
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
