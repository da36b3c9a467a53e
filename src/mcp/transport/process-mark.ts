import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A variable that a server hands on to all that it starts. By it they are found also when they left its process group, as browsers
 * do, and when nothing is left between them and it.
 */
export const MARK_VARIABLE = 'ASBRU_SERVER';

const POLL_MS = 50;

/** Ends the processes with this mark: asks with SIGTERM, and after `patience` milliseconds no longer asks. */
export async function endMarked(mark: string, patience: number): Promise<void> {
  let left = await findMarked(mark);
  signalAll(left, 'SIGTERM');
  for (const deadline = performance.now() + patience; left.length > 0 && performance.now() < deadline;) {
    await sleep(POLL_MS);
    left = left.filter((pid) => signal(pid, 0));
  }
  if (left.length > 0) signalAll(await findMarked(mark), 'SIGKILL');
}

/** The running processes with this mark; none where there is no /proc. */
async function findMarked(mark: string): Promise<number[]> {
  const entry = Buffer.from(`${MARK_VARIABLE}=${mark}`);
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    // A process of somebody else's, or one that is gone by now, cannot be looked into.
    pids.map((pid) =>
      readFile(`/proc/${pid}/environ`)
        .then((text) => text.includes(entry))
        .catch(() => false),
    ),
  );
  return pids.filter((_, index) => found[index]);
}

function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) signal(pid, name);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
