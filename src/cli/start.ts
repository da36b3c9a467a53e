import { GatewayError, messageOf } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import type { Logger } from '../lib/logger.ts';
import type { Siblings } from '../store/siblings.ts';
import { createAppDir, resolveOptions } from './options.ts';
import type { StartFlags, StartOptions } from './options.ts';
import { firstStartText, serverText, type ServerSummary } from './start-text.ts';
import { onStop } from './stop.ts';
import { takeSeat, type RenderMetrics, type Seat } from './workers/seat.ts';
import { supervise } from './workers/supervise.ts';

/** A running gateway, as far as the command line is concerned. */
export interface RunningGateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** The admin key that the first start made, or took from ASBRU_API_KEY. */
  readonly firstApiKey?: string | undefined;
  /** Settles when every server has connected or failed for the first time. */
  readonly ready: Promise<readonly ServerSummary[]>;
  /** `grace`: seconds for clients to move to other connections, if they get no more than that anyway. */
  close(grace?: number): Promise<void>;
}

/** How the command starts a gateway. */
export type CreateGateway = (
  options: Pick<StartOptions, 'host' | 'port' | 'nodeAddress' | 'appDir' | 'configFile' | 'drainGrace'> & {
    passphrase?: string;
    apiKey?: string;
    setupToken?: string;
    logger: Logger;
    /** Makes of the metrics of one worker those of all. */
    shareMetrics?: (own: RenderMetrics) => RenderMetrics;
    /** The socket of the process that runs servers on stdio for all workers. */
    stdioHost?: string;
    /** The other workers, with which a database on SQLite is shared. */
    siblings?: Siblings;
  },
) => Promise<RunningGateway>;

/** `asbru start`: starts, says where, and drains on a signal. A failure is one sentence and exit code 1. */
export async function start(flags: StartFlags, createGateway: CreateGateway): Promise<void> {
  const seat = takeSeat();
  let options: StartOptions | undefined;
  try {
    options = resolveOptions(flags, process.env, process.stderr.isTTY);
    createAppDir(options.appDir);
    if (seat === undefined && options.workers > 1) await supervise(options);
    else await run(options, createGateway, seat);
  } catch (error) {
    const who = seat === undefined || seat.isFirst ? 'asbru' : `worker ${seat.number} of asbru`;
    process.stderr.write(`${who} cannot start: ${describe(error, options)}\n`);
    process.exit(1);
  }
}

async function run(options: StartOptions, createGateway: CreateGateway, seat: Seat | undefined): Promise<void> {
  const { host, port, nodeAddress, appDir, configFile, drainGrace, passphrase, apiKey, setupToken } = options;
  const log = createLogger({ level: options.logLevel, style: options.logStyle });
  const logger = seat === undefined ? log : log.child({ worker: seat.number });
  // A signal that comes before there is anything to drain ends the process at once.
  let close = async (_grace?: number): Promise<void> => {};
  waitForStop((grace) => close(grace), seat);
  if (seat?.isFirst === true) await (await import('./workers/demand-kept.ts')).demandKept(options);
  const secrets = { ...(passphrase && { passphrase }), ...(apiKey && { apiKey }), ...(setupToken && { setupToken }) };
  const ofWorker = seat && { shareMetrics: seat.shareMetrics, stdioHost: seat.stdioHost, siblings: seat.siblings };
  const where = { host, port, nodeAddress, appDir, configFile, drainGrace };
  const gateway = await createGateway({ ...where, ...secrets, ...ofWorker, logger });
  close = async (grace) => {
    await gateway.close(grace);
    await seat?.leave();
  };

  if (seat === undefined || seat.isFirst) announce(gateway);
  seat?.serves();
  const servers = await gateway.ready;
  if (seat === undefined || seat.isFirst) for (const server of servers) print(serverText(server));
}

/** A Ctrl-C reaches workers too; what it means for them says the process that started them. */
function waitForStop(close: (grace: number) => Promise<void>, seat: Seat | undefined): void {
  let grace = 0;
  const begin = onStop({
    close: () => close(grace),
    signals: seat === undefined ? ['SIGINT', 'SIGTERM'] : ['SIGTERM'],
  });
  if (seat === undefined) return;
  process.on('SIGINT', () => {});
  seat.onStopOrder((seconds) => {
    grace = seconds;
    begin();
  });
}

function announce({ address, firstApiKey }: RunningGateway): void {
  if (firstApiKey !== undefined) print(firstStartText(address, firstApiKey, process.env));
  print(`asbru listening on ${address}`);
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
    if ('syscall' in current && isOfPort(current.syscall) && 'code' in current) return current.code;
    if ('code' in current && current.code === 'ENOTFOUND') return current.code;
  }
  return undefined;
}

/** A worker has its port opened by the process that started it, and hears of a failure as "bind". */
function isOfPort(syscall: unknown): boolean {
  return syscall === 'listen' || syscall === 'bind';
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
