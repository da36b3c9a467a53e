import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { GatewayOptions } from '../../src/app.ts';
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

/** Starts a gateway in its own process; only options that survive JSON. */
export async function startChildGateway(options: GatewayOptions = {}): Promise<ChildGateway> {
  const apiKey = options.apiKey ?? randomApiKey();
  const child = spawn(process.execPath, [script, JSON.stringify({ ...options, apiKey })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const address = await Promise.race([readAddress(child.stdout), exited.then(() => undefined)]);
  if (address === undefined) throw new Error('the gateway process ended before it listened');
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

async function readAddress(stream: NodeJS.ReadableStream): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream })) {
    // Log lines may come first.
    if (line.startsWith('http://')) return line;
  }
  return undefined;
}
