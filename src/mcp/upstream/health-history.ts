import type { ClientState, FailureView, HealthPeriod } from '../../contract/mcp-client.ts';

/** Where a server stood, and why, since this process knows it. */
export interface HealthHistory {
  /** When this process began to know the server. */
  readonly keptSince: string;
  /** Where it stands now. The same state for the same reason is no new period; a failure in it is counted. */
  note(state: ClientState, failure: FailureView | undefined): void;
  /** The newest first. */
  list(): readonly HealthPeriod[];
}

/** A server that comes and goes fills no memory; what is older is in the log of the process. */
const MAX_PERIODS = 100;

/** Keeps the last periods of one server, in memory. */
export function createHealthHistory(now: () => number = Date.now): HealthHistory {
  const periods: HealthPeriod[] = [];
  const keptSince = new Date(now()).toISOString();

  function reasonOf(state: ClientState, failure: FailureView | undefined): string {
    return `${state} ${failure?.message ?? ''}`;
  }

  return {
    keptSince,
    note(state, found) {
      // Nothing is wrong with a server that somebody has switched off.
      const failure = state === 'disabled' ? undefined : found;
      const current = periods[0];
      const before = current && reasonOf(current.state, current.failure && { ...current.failure, since: '' });
      const at = new Date(now()).toISOString();
      if (current === undefined || before !== reasonOf(state, failure)) {
        // A server that is lost fails a moment before; that is no time of its own.
        if (current?.since === at) periods.shift();
        else if (current !== undefined) periods[0] = { ...current, until: at };
        periods.unshift({ state, since: at, ...(failure && { failure: firstOf(failure) }) });
        periods.length = Math.min(periods.length, MAX_PERIODS);
      } else if (failure !== undefined && failure.at !== current.failure?.at) {
        periods[0] = { ...current, failure: { ...firstOf(failure), times: (current.failure?.times ?? 0) + 1 } };
      }
    },
    list: () => [...periods],
  };
}

function firstOf({ stage, message, at }: FailureView): NonNullable<HealthPeriod['failure']> {
  return { stage, message, at, times: 1 };
}
