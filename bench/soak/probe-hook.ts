/**
 * Loaded into the gateway's process before the gateway (`node --import`), which knows nothing of it: on SIGUSR2 it collects garbage and
 * writes what the process holds to the file SOAK_REPORT. Timers of two minutes and more run faster by SOAK_HASTE, so that what is kept for five minutes
 * after its last use does not have to be waited for.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { writeHeapSnapshot } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import type { Report } from './probe.ts';

/** No time limit of a call or a run of code is as long, with the grace that it has. */
const LONG_MS = 120_000;
const file = process.env['SOAK_REPORT'];
const haste = Number(process.env['SOAK_HASTE'] ?? 1);

hasten('setTimeout');
hasten('setInterval');
// The thread of the ledger loads this too; only its timers matter.
if (file !== undefined && isMainThread) process.on('SIGUSR2', () => void report(file));

function hasten(name: 'setTimeout' | 'setInterval'): void {
  const real: (run: () => void, ms?: number, ...args: unknown[]) => unknown = globalThis[name];
  const fast = (run: () => void, ms = 0, ...args: unknown[]) => real(run, ms >= LONG_MS ? ms / haste : ms, ...args);
  // What hangs on the function, such as its form for promises, stays.
  globalThis[name] = Object.assign(fast, real) as never;
}

async function report(path: string): Promise<void> {
  // Finalizers run between two collections, and free more.
  for (let round = 0; round < 3; round += 1) {
    // The last resort gives back what V8 would otherwise keep for the next burst, or not, as it likes: up to 150 MB.
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1;
  const wish = `${path}.snapshot`;
  if (existsSync(wish)) {
    writeHeapSnapshot(readFileSync(wish, 'utf8'));
    rmSync(wish);
  }
  writeFileSync(`${path}.part`, JSON.stringify({ heapUsed, external, rss, resources } satisfies Report));
  renameSync(`${path}.part`, path);
}
