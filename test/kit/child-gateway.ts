import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { GatewayOptions } from '../../src/app.ts';
import type { Exchange } from '../../src/store/exchange.ts';
import { accessGateway, randomApiKey, type GatewayAccess } from './gateway.ts';

/** A gateway in its own process. */
export interface ChildGateway extends GatewayAccess, AsyncDisposable {
  readonly pid: number;
  /** Ends the process without a chance to clean up. */
  kill(): Promise<void>;
  /** Asks the process to end, and waits until it did. */
  stop(): Promise<void>;
}

const script = fileURLToPath(new URL('gateway-process.mjs', import.meta.url));

/** How the process is started. */
export interface ProcessOptions {
  /** Options of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A file for its log; else it goes where that of this process goes. */
  readonly log?: string;
  /** Where it meets the other processes on its SQLite files. */
  readonly exchange?: Exchange | undefined;
}

/** Starts a gateway in its own process; only options that survive JSON. */
export async function startChildGateway(
  options: GatewayOptions = {},
  { nodeArgs = [], env = {}, log, exchange }: ProcessOptions = {},
): Promise<ChildGateway> {
  const apiKey = options.apiKey ?? randomApiKey();
  // The types know of no descriptor here, nor that a channel makes no difference to the rest.
  const stderr = log === undefined ? 'inherit' : (openSync(log, 'a') as unknown as 'inherit');
  const channel = exchange === undefined ? [] : ['ipc'];
  const child = spawn(process.execPath, [...nodeArgs, script, JSON.stringify({ ...options, apiKey })], {
    stdio: ['ignore', 'pipe', stderr, ...channel] as ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  exchange?.add(child);
  const exited = once(child, 'exit');
  const address = await Promise.race([readAddress(child.stdout), exited.then(() => undefined)]);
  if (address === undefined) throw new Error('the gateway process ended before it listened');
  // Read on, or a gateway with much to log would block on a full pipe.
  child.stdout.resume();
  async function end(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal);
    await exited;
  }
  return {
    ...accessGateway(address, apiKey),
    pid: child.pid ?? 0,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    [Symbol.asyncDispose]: () =>
      child.exitCode === null && child.signalCode === null ? end('SIGKILL') : Promise.resolve(),
  };
}

/** The first line that is an address; log lines may come first. */
function readAddress(stream: NodeJS.ReadableStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      if (!line.startsWith('http://')) return;
      resolve(line);
      lines.close();
    });
    lines.once('close', () => resolve(undefined));
  });
}
