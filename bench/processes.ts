import type { ChildProcess } from 'node:child_process';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Job, LoadReply, Sample } from './load.ts';

/** A running server, ended when its `using` scope ends. */
export interface Running extends AsyncDisposable {
  origin: string;
  pid: number;
  /** Time from the start of the process to the line with its address, in ms. */
  startMs: number;
}

/** What to start: a script with its arguments, and Node's own options before it. */
export interface Start {
  script: string;
  args?: string[];
  nodeArgs?: string[];
  env?: Record<string, string>;
}

const START_LIMIT_MS = 120_000;

/** Starts a server and waits until it prints the address it listens on. */
export async function startServer({ script, args = [], nodeArgs = [], env = {} }: Start): Promise<Running> {
  const started = performance.now();
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithParent(child);
  try {
    const origin = await readAddress(child, script);
    return {
      origin,
      pid: child.pid ?? 0,
      startMs: performance.now() - started,
      [Symbol.asyncDispose]: () => end(child),
    };
  } catch (error) {
    await end(child);
    throw error;
  }
}

function readAddress(child: ChildProcess, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`${script} did not listen within ${START_LIMIT_MS / 1000} s`)),
      START_LIMIT_MS,
    );
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const address = /listening on (http:\/\/\S+)/.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      // Read on, or a talkative server would block on a full pipe.
      child.stdout?.removeAllListeners('data').resume();
      resolve(address);
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`${script} ended with code ${code} before it listened:\n${output}`));
    });
  });
}

/** The load generator as its parent sees it. */
export interface Generator extends AsyncDisposable {
  pid: number;
  run(job: Job): Promise<Sample>;
}

/** Starts the load generator. */
export function startGenerator(): Generator {
  const child = fork(fileURLToPath(new URL('load.ts', import.meta.url)), {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  endWithParent(child);
  return {
    pid: child.pid ?? 0,
    run: (job) =>
      new Promise((resolve, reject) => {
        const onExit = (code: number | null) => reject(new Error(`the load generator ended with code ${code}`));
        child.once('exit', onExit);
        child.once('message', (reply: LoadReply) => {
          child.off('exit', onExit);
          if ('sample' in reply) resolve(reply.sample);
          else reject(new Error(reply.failure));
        });
        child.send(job);
      }),
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** A loopback port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
  await ended;
  clearTimeout(timer);
}

const children = new Set<ChildProcess>();

function endWithParent(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

// Whatever ends the bench, be it a bug or Ctrl-C, must not leave servers behind.
process.once('exit', () => {
  for (const child of children) child.kill('SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
