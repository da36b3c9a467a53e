import { setTimeout as sleep } from 'node:timers/promises';

/** How often something was done, and what went wrong. */
export interface Tally {
  /** Repeats an action until the soak ends; `pauseMs` keeps those that cost much from being most of it. */
  repeat(name: string, action: () => Promise<unknown>, pauseMs?: number): Promise<void>;
  /** Counts calls beyond the one that an action is. */
  count(name: string, calls: number): void;
  /** The actions that are under way. */
  readonly busy: readonly string[];
  readonly calls: number;
  readonly failures: number;
  render(): string[];
}

interface Line {
  calls: number;
  failures: Map<string, number>;
}

const AFTER_FAILURE_MS = 200;

/** Counts until the signal is aborted; only actions with `only` in their name are done at all. */
export function createTally(over: AbortSignal, only = ''): Tally {
  const lines = new Map<string, Line>();
  const busy: string[] = [];
  const lineOf = (name: string): Line => {
    const line = lines.get(name) ?? { calls: 0, failures: new Map() };
    lines.set(name, line);
    return line;
  };
  const failuresOf = ({ failures }: Line) => [...failures.values()].reduce((sum, count) => sum + count, 0);
  return {
    async repeat(name, action, pauseMs = 0) {
      while (!over.aborted && name.includes(only)) {
        const line = lineOf(name);
        busy.push(name);
        try {
          await action().finally(() => busy.splice(busy.indexOf(name), 1));
          line.calls += 1;
          if (pauseMs > 0) await pause(pauseMs, over);
        } catch (error) {
          const text = (error instanceof Error ? error.message : String(error)).replaceAll(/[0-9a-f-]{20,}/g, '…');
          const key = text.slice(0, 200);
          line.failures.set(key, (line.failures.get(key) ?? 0) + 1);
          await pause(AFTER_FAILURE_MS, over);
        }
      }
    },
    count(name, calls) {
      lineOf(name).calls += calls;
    },
    busy,
    get calls() {
      return [...lines.values()].reduce((sum, { calls }) => sum + calls, 0);
    },
    get failures() {
      return [...lines.values()].reduce((sum, line) => sum + failuresOf(line), 0);
    },
    render() {
      return [...lines].flatMap(([name, line]) => [
        `${name.padEnd(34)}${String(line.calls).padStart(9)}${String(failuresOf(line)).padStart(9)} failed`,
        ...[...line.failures].slice(0, 3).map(([text, count]) => `    ${count} × ${text}`),
      ]);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}
