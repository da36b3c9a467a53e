import { GatewayError } from '../lib/errors.ts';

interface Deps {
  /** Asks the database for a sign of life; rejects when there is none. */
  readonly ping: () => Promise<unknown>;
  readonly pingLimitMs?: number;
}

/** Whether the database answers, or the gateway goes on with what it read before. */
export type DatabaseState = 'ok' | 'unreachable';

/** Whether a balancer should send requests to this process. */
export interface Readiness {
  /** Throws `starting` before {@link begin}, and `shutting_down` from {@link end} on. */
  check(): Promise<DatabaseState>;
  /** Everything is loaded. */
  begin(): void;
  /** The process is about to end. */
  end(): void;
  readonly isEnding: boolean;
}

/** Balancers wait for an answer for a second or two, and then take it for a "no". */
const PING_LIMIT_MS = 1_000;

/** Begins as not ready. */
export function createReadiness({ ping, pingLimitMs = PING_LIMIT_MS }: Deps): Readiness {
  let phase: 'starting' | 'ready' | 'ending' = 'starting';
  let pinging: Promise<DatabaseState> | undefined;

  // One at a time: a database that hangs must not collect a connection from every probe.
  const askDatabase = (): Promise<DatabaseState> =>
    (pinging ??= ping()
      .then(
        () => 'ok' as const,
        () => 'unreachable' as const,
      )
      .finally(() => (pinging = undefined)));

  return {
    async check() {
      if (phase === 'starting') throw new GatewayError('starting', 'the gateway is starting');
      if (phase === 'ending') throw new GatewayError('shutting_down', 'the gateway is shutting down');
      const late = Promise.withResolvers<DatabaseState>();
      const timer = setTimeout(() => late.resolve('unreachable'), pingLimitMs).unref();
      try {
        return await Promise.race([askDatabase(), late.promise]);
      } finally {
        clearTimeout(timer);
      }
    },
    begin() {
      if (phase === 'starting') phase = 'ready';
    },
    end() {
      phase = 'ending';
    },
    get isEnding() {
      return phase === 'ending';
    },
  };
}
