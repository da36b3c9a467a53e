import { GatewayError, messageOf } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import type { Logger } from '../lib/logger.ts';
import { createAppDir, resolveOptions } from './options.ts';
import type { StartFlags, StartOptions } from './options.ts';
import { firstStartText, serverText, type ServerSummary } from './start-text.ts';

/** A running gateway, as far as the command line is concerned. */
export interface RunningGateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** The admin key that the first start made, or took from ASBRU_API_KEY. */
  readonly firstApiKey?: string | undefined;
  /** Settles when every server has connected or failed for the first time. */
  readonly ready: Promise<readonly ServerSummary[]>;
  close(): Promise<void>;
}

/** How the command starts a gateway. */
export type CreateGateway = (
  options: Pick<StartOptions, 'host' | 'port' | 'nodeAddress' | 'appDir' | 'configFile' | 'drainGrace'> & {
    passphrase?: string;
    apiKey?: string;
    setupToken?: string;
    logger: Logger;
  },
) => Promise<RunningGateway>;

// Ctrl-C reaches a process twice when npm stands between it and the terminal: once directly, once passed on.
const SAME_KEY_PRESS = 200;

/** `asbru start`: starts, says where, and drains on a signal. A failure is one sentence and exit code 1. */
export async function start(flags: StartFlags, createGateway: CreateGateway): Promise<void> {
  let options: StartOptions | undefined;
  try {
    options = resolveOptions(flags, process.env, process.stderr.isTTY);
    createAppDir(options.appDir);
    await run(options, createGateway);
  } catch (error) {
    process.stderr.write(`asbru cannot start: ${describe(error, options)}\n`);
    process.exit(1);
  }
}

async function run(options: StartOptions, createGateway: CreateGateway): Promise<void> {
  const { host, port, nodeAddress, appDir, configFile, drainGrace, passphrase, apiKey, setupToken } = options;
  const logger = createLogger({ level: options.logLevel, style: options.logStyle });
  // A signal that comes before there is anything to drain ends the process at once.
  let close = async (): Promise<void> => {};
  onStop(() => close());
  const secrets = { ...(passphrase && { passphrase }), ...(apiKey && { apiKey }), ...(setupToken && { setupToken }) };
  const gateway = await createGateway({ host, port, nodeAddress, appDir, configFile, drainGrace, logger, ...secrets });
  close = () => gateway.close();

  if (gateway.firstApiKey !== undefined) print(firstStartText(gateway.address, gateway.firstApiKey, process.env));
  print(`asbru listening on ${gateway.address}`);
  for (const server of await gateway.ready) print(serverText(server));
}

/** Drains once on the first signal, or when the process that started us is gone; a second signal ends it at once. */
function onStop(close: () => Promise<void>): void {
  let since: number | undefined;
  const stop = (): void => {
    if (since !== undefined) {
      if (Date.now() - since > SAME_KEY_PRESS) process.exit(1);
      return;
    }
    since = Date.now();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`asbru did not stop cleanly: ${messageOf(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (process.connected) process.once('disconnect', stop);
}

function describe(error: unknown, options: StartOptions | undefined): string {
  const code = codeOf(error);
  const place = `port ${options?.port ?? '?'} on ${options?.host ?? '?'}`;
  if (code === 'EADDRINUSE') return `${place} is already in use; choose another one with --port`;
  if (code === 'EACCES') return `${place} may not be opened by this user; choose one above 1023 with --port`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${options?.host} is not an address of this machine`;
  return error instanceof GatewayError ? error.message : messageOf(error);
}

function codeOf(error: unknown): unknown {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ('syscall' in current && current.syscall === 'listen' && 'code' in current) return current.code;
    if ('code' in current && current.code === 'ENOTFOUND') return current.code;
  }
  return undefined;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
