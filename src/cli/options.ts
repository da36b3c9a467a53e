import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { LOG_LEVELS, LOG_STYLES } from '../lib/logger.ts';
import type { LogLevel, LogStyle } from '../lib/logger.ts';

/** The flags of `asbru start`, as the command line gave them. */
export interface StartFlags {
  readonly host?: string;
  readonly port?: string;
  readonly appDir?: string;
  readonly config?: string;
  readonly logLevel?: string;
  readonly logStyle?: string;
  readonly drainGrace?: string;
  readonly nodeAddress?: string;
  readonly workers?: string;
}

/** What a start needs to know, settled from flags, environment and defaults. */
export interface StartOptions {
  readonly host: string;
  readonly port: number;
  readonly appDir: string;
  readonly configFile: string | undefined;
  readonly passphrase: string | undefined;
  /** The admin key of the first start. */
  readonly apiKey: string | undefined;
  /** What lets somebody make the first admin account. */
  readonly setupToken: string | undefined;
  readonly logLevel: LogLevel;
  readonly logStyle: LogStyle;
  /** Seconds between "not ready" and the end of the port. */
  readonly drainGrace: number;
  /** Where other nodes reach this one, if that cannot be told from `host`. */
  readonly nodeAddress: string | undefined;
  /** Processes that serve the port. */
  readonly workers: number;
}

/** More than the cores of a large machine. */
const MOST_WORKERS = 64;

/** An hour: nobody waits for longer on purpose. */
const LONGEST_GRACE = 3_600;

type Environment = Readonly<Record<string, string | undefined>>;

/** Settles the options: a flag beats ASBRU_*, which beats the variables of other gateways, which beat the default. */
export function resolveOptions(flags: StartFlags, env: Environment, isTerminal: boolean): StartOptions {
  const pick = (flag: string | undefined, ...names: string[]) =>
    [flag, ...names.map((name) => env[name])].find((value) => value !== undefined && value !== '');
  const workers = readWorkers(pick(flags.workers, 'ASBRU_WORKERS') ?? '1');
  const appDir = resolve(pick(flags.appDir, 'ASBRU_APP_DIR', 'APP_DIR') ?? join(homedir(), '.config', 'asbru'));
  return {
    host: pick(flags.host, 'ASBRU_HOST', 'APP_HOST') ?? '127.0.0.1',
    port: readPort(pick(flags.port, 'ASBRU_PORT', 'APP_PORT') ?? '8080'),
    appDir,
    configFile: findConfig(pick(flags.config, 'ASBRU_CONFIG'), appDir),
    passphrase: pick(undefined, 'ASBRU_ENCRYPTION_KEY', 'BIFROST_ENCRYPTION_KEY'),
    apiKey: pick(undefined, 'ASBRU_API_KEY'),
    setupToken: pick(undefined, 'ASBRU_SETUP_TOKEN', 'BIFROST_SETUP_TOKEN'),
    logLevel: readWord('log level', pick(flags.logLevel, 'ASBRU_LOG_LEVEL', 'LOG_LEVEL') ?? 'info', LOG_LEVELS),
    logStyle: readWord(
      'log style',
      pick(flags.logStyle, 'ASBRU_LOG_STYLE', 'LOG_STYLE') ?? (isTerminal ? 'pretty' : 'json'),
      LOG_STYLES,
    ),
    drainGrace: readSeconds('drain grace', pick(flags.drainGrace, 'ASBRU_DRAIN_GRACE') ?? '0'),
    nodeAddress: checkNodeAddress(pick(flags.nodeAddress, 'ASBRU_NODE_ADDRESS'), workers),
    workers,
  };
}

/** Makes the directory of the database, closed to other users of the machine. */
export function createAppDir(appDir: string): void {
  try {
    mkdirSync(appDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw refuse(`the directory ${appDir} cannot be created: ${messageOf(error)}`);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw refuse(`the port must be a number from 0 to 65535, not "${text}"`);
}

function readSeconds(what: string, text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds <= LONGEST_GRACE) return seconds;
  throw refuse(`the ${what} must be a number of seconds from 0 to ${LONGEST_GRACE}, not "${text}"`);
}

function readWorkers(text: string): number {
  if (text.toLowerCase() === 'auto') return Math.min(availableParallelism(), MOST_WORKERS);
  const workers = Number(text);
  if (/^\d+$/.test(text) && workers >= 1 && workers <= MOST_WORKERS) return workers;
  throw refuse(
    `the workers (--workers) must be a number from 1 to ${MOST_WORKERS}, or "auto" for one for each core, not "${text}"`,
  );
}

/** Each worker is reached by the others at a port of its own. */
function checkNodeAddress(address: string | undefined, workers: number): string | undefined {
  if (address === undefined || workers === 1 || !/:\d+$/.test(address)) return address;
  throw refuse(
    `the node address (--node-address) must be a host without a port where there are ${workers} workers, as each opens a port of its own, not "${address}"`,
  );
}

function findConfig(named: string | undefined, appDir: string): string | undefined {
  if (named === undefined) {
    const usual = join(appDir, 'config.json');
    return existsSync(usual) ? usual : undefined;
  }
  if (existsSync(named)) return resolve(named);
  throw refuse(`the config file ${resolve(named)} does not exist`);
}

function readWord<const W extends string>(what: string, text: string, words: readonly W[]): W {
  const word = words.find((candidate) => candidate === text.toLowerCase());
  if (word !== undefined) return word;
  throw refuse(`the ${what} must be one of ${words.join(', ')}, not "${text}"`);
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_request', message);
}
