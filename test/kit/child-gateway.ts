import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { accessGateway, type GatewayAccess, type GatewayOptions } from './gateway.ts';

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
export async function startChildGateway(options: Partial<GatewayOptions>): Promise<ChildGateway> {
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const started = await Promise.race([firstLine(child.stdout), exited.then(() => undefined)]);
  if (started === undefined) throw new Error('the gateway process ended before it listened');
  const { address, apiKey } = started;
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

async function firstLine(stream: NodeJS.ReadableStream): Promise<{ address: string; apiKey: string } | undefined> {
  for await (const line of createInterface({ input: stream })) {
    // Log lines may come first; the greeting is the line with an address in it.
    if (line.startsWith('{"address"')) return JSON.parse(line) as { address: string; apiKey: string };
  }
  return undefined;
}
