import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from giving young objects more room, until the function that it gives is called. Starting makes many objects that
 * stay, for which V8 would take 30 MB; a gateway that idles never gives them back, and one that is busy takes them by itself.
 */
export function keepYoungHeapSmall(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => setFlagsFromString('--semi-space-growth-factor=2');
}

/**
 * Has one or two cores collect young objects without further threads: a thread that helps would have to wait for a core, and the
 * collection for the thread. Under load on two cores that makes 3.5 ms of 2.5.
 */
export function collectAloneOnFewCores(): void {
  if (availableParallelism() <= 2) setFlagsFromString('--no-parallel-scavenge');
}

/**
 * Counts buffers as a part of the heap. Counted apart, as V8 does otherwise, every 64 MB of them bring about a collection of everything,
 * however little there is to collect: with results of 10 MB one for every other call, 8 ms each. Three times as rare, they take a fifth
 * more memory at such times.
 */
export function countBuffersWithTheHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/** A database of this size holds hundreds of servers or thousands of keys. */
const LARGE_BYTES = 8 * 1024 * 1024;

/** Whether so much is about to be read that collecting it in small portions would take longer than the room is worth. */
export function hasLargeDatabase(appDir: string): boolean {
  const file = statSync(join(appDir, 'asbru.db'), { throwIfNoEntry: false });
  return file !== undefined && file.size > LARGE_BYTES;
}
