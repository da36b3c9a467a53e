import { destination, pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';

/** What every part takes to write its log lines. */
export type Logger = PinoLogger;

/** The levels that `--log-level` accepts, most talkative first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How a log line looks: one JSON object, or text for people. */
export const LOG_STYLES = ['json', 'pretty'] as const;
export type LogStyle = (typeof LOG_STYLES)[number];

interface LoggerOptions {
  level: LogLevel;
  style: LogStyle;
  /** Where the lines go instead of standard error; for tests. */
  stream?: DestinationStream;
}

// A second net only: secrets are `Secret` objects, which print as a mask by themselves.
const REDACTED = ['authorization', 'cookie', 'password', 'passphrase', 'x-api-key', 'api_key'].flatMap((name) =>
  ['', '*.', '*.headers.'].map((path) => (/-/.test(name) ? `${path.replace(/\.$/, '')}["${name}"]` : `${path}${name}`)),
);

/** Opens the log. It goes to standard error, so that standard output stays what the command prints for the user. */
export function createLogger({ level, style, stream }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  // Synchronous: the last lines before an exit are the ones that matter, and calls are not logged one by one here.
  const target = stream ?? openStandardError();
  if (style === 'json') return pino(options, target);
  return pino(
    options,
    pretty({ destination: target, colorize: process.stderr.isTTY, translateTime: 'HH:MM:ss.l', sync: true }),
  );
}

/** So much is kept of lines that cannot be written, because the disk is full, until they can. */
const MAX_KEPT = 1024 * 1024;

function openStandardError(): DestinationStream {
  const target = destination({ dest: 2, sync: true, maxLength: MAX_KEPT });
  // A log that cannot be written is no reason to stop serving, and there is nowhere to say it.
  target.on('error', () => {});
  return target;
}
