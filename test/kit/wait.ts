import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_COUNT } from './node-count.ts';

/** Polls until the condition gives something truthy, and gives that; fails with `what` after the deadline. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what: string,
  deadlineMs = 20_000,
): Promise<Exclude<T, false | undefined | null>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined && value !== null) return value as Exclude<T, false | undefined | null>;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await sleep(10);
  }
}

/** The same, until each node has given something truthy: `condition` asks one gateway, once. Gives what the last one said. */
export function waitForAll<T>(
  condition: () => T | Promise<T>,
  what: string,
  deadlineMs?: number,
): Promise<Exclude<T, false | undefined | null>> {
  let inARow = 0;
  return waitFor(
    async () => {
      const value = await condition();
      const isThere = value !== false && value !== undefined && value !== null;
      inARow = isThere ? inARow + 1 : 0;
      return inARow >= NODE_COUNT && value;
    },
    what,
    deadlineMs,
  );
}
