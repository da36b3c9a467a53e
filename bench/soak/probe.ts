import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf } from '../../test/kit/processes.ts';

/** What the process says of itself, after a garbage collection. Bytes. */
export interface Report {
  heapUsed: number;
  external: number;
  rss: number;
  /** What keeps its event loop alive, by type. */
  resources: Record<string, number>;
}

/** What a gateway holds at a moment. */
export interface Held {
  /** MB of JavaScript and what hangs on it, after a garbage collection. */
  heap: number;
  /** MB of the whole process. */
  rss: number;
  files: number;
  timers: number;
  /** Sockets, pipes, children: what keeps the event loop alive besides timers. */
  handles: number;
  children: number;
}

/** The names of what is held, in the order of tables. */
export const HELD = ['heap', 'rss', 'files', 'timers', 'handles', 'children'] as const;

const PATIENCE_MS = 60_000;
const MB = 1024 * 1024;

/** Looks into a process that has loaded `probe-hook.ts`; with `snapshot` it also writes its heap there. */
export async function look(pid: number, file: string, snapshot?: string): Promise<Held> {
  rmSync(file, { force: true });
  if (snapshot !== undefined) writeFileSync(`${file}.snapshot`, snapshot);
  process.kill(pid, 'SIGUSR2');
  const { heapUsed, external, rss, resources } = await readReport(file);
  const timers = (resources['Timeout'] ?? 0) + (resources['Immediate'] ?? 0);
  const all = Object.values(resources).reduce((sum, count) => sum + count, 0);
  return {
    heap: (heapUsed + external) / MB,
    rss: rss / MB,
    files: readdirSync(`/proc/${pid}/fd`).length,
    timers,
    handles: all - timers,
    children: (await childrenOf(pid)).length,
  };
}

async function readReport(file: string): Promise<Report> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Report;
    } catch (error) {
      if (Date.now() > deadline) throw new Error('the gateway did not say what it holds', { cause: error });
      await sleep(20);
    }
  }
}

/** The least of each in several looks: what is left when nothing happens to be under way. */
export function least(looks: readonly Held[]): Held {
  const of = (name: keyof Held) => Math.min(...looks.map((one) => one[name]));
  return Object.fromEntries(HELD.map((name) => [name, of(name)])) as unknown as Held;
}
