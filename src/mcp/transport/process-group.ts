import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
/** How long the kernel may take over a kill; a zombie that nobody collects is never gone, so there must be an end. */
const KILL_MS = 500;

/** Sends a signal to a process group, or asks with 0 whether there is one. False when nobody is left in it. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

/** Ends what is left of a process group: asks with SIGTERM, and after `patience` milliseconds no longer asks. */
export async function endGroup(leader: number, patience: number): Promise<void> {
  if (!signalGroup(leader, 'SIGTERM') || (await isGone(leader, patience))) return;
  signalGroup(leader, 'SIGKILL');
  await isGone(leader, KILL_MS);
}

async function isGone(leader: number, patience: number): Promise<boolean> {
  // Not the time of day: somebody may set the clock back.
  for (const deadline = performance.now() + patience; performance.now() < deadline;) {
    if (!signalGroup(leader, 0)) return true;
    await sleep(POLL_MS);
  }
  return !signalGroup(leader, 0);
}
