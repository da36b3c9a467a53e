import { readdir, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMemory } from '../../bench/proc.ts';
import { childrenOf } from '../kit/processes.ts';
import { waitFor } from '../kit/wait.ts';

/** A process that carries instruments.mjs. */
export interface Patient {
  readonly pid: number;
  /** The file of its clock. */
  readonly clock: string;
}

/** What a process holds. */
export interface Footprint {
  /** Resident memory in MB. */
  readonly rss: number;
  /** What it still needs of it when the garbage is collected, in MB. */
  readonly heap: number;
  readonly descriptors: number;
  /** Processes below it, at any depth. */
  readonly children: number;
}

/** Caches that fill, code that is compiled. */
const HEAP_SLACK_MB = 32;
/** What was allocated does not all go back to the system. */
const RESIDENT_SLACK_MB = 400;
/** A connection or two that is kept open for the next request. */
const DESCRIPTOR_SLACK = 24;
const PATIENCE_MS = 12_000;

/** What the process holds when it has thrown its garbage away. */
export async function readSettled({ pid, clock }: Patient): Promise<Footprint> {
  const heap = await collectGarbage(pid, `${clock}.heap`);
  const [descriptors, children] = await Promise.all([readdir(`/proc/${pid}/fd`), countDescendants(pid)]);
  return { rss: readMemory(pid).rss, heap: heap / 2 ** 20, descriptors: descriptors.length, children };
}

async function collectGarbage(pid: number, file: string): Promise<number> {
  await rm(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  return waitFor(async () => Number(await readFile(file, 'utf8').catch(() => '')) || undefined, 'the garbage to go');
}

/** Waits until the process holds no more than it did; gives what it holds then, or in the end. */
export async function readReturned(patient: Patient, before: Footprint): Promise<Footprint> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = await readSettled(patient);
    if (complaints(before, now).length === 0 || performance.now() > end) return now;
    await sleep(200);
  }
}

/** What did not go back to where it was. */
export function complaints(before: Footprint, after: Footprint): string[] {
  const found: string[] = [];
  const compare = (what: 'rss' | 'heap' | 'descriptors' | 'children', slack: number): void => {
    if (after[what] <= before[what] + slack) return;
    found.push(`${what}: ${before[what].toFixed(0)} before, ${after[what].toFixed(0)} after`);
  };
  compare('heap', HEAP_SLACK_MB);
  compare('rss', RESIDENT_SLACK_MB);
  compare('descriptors', DESCRIPTOR_SLACK);
  compare('children', 0);
  return found;
}

async function countDescendants(pid: number): Promise<number> {
  const children = await childrenOf(pid);
  const below = await Promise.all(children.map((child) => countDescendants(child.pid)));
  return below.reduce((sum, count) => sum + count, children.length);
}

/** Follows the memory of a process while something goes on; gives the most it held. */
export function watchMemory(pid: number): { stop(): number } {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, readMemory(pid).rss);
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}
