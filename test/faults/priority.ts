import { spawnSync } from 'node:child_process';

/**
 * Starts what is measured. All else, the servers and clients of a fault, would be on other machines: it gets what the gateway and
 * those who are measured leave of the processors (`SCHED_IDLE` of Linux).
 */
export async function startMeasured<T>(start: () => Promise<T>): Promise<T> {
  schedule('--other');
  try {
    return await start();
  } finally {
    schedule('--idle');
  }
}

/** Where there is no such command, all have the same share. */
function schedule(policy: '--other' | '--idle'): void {
  spawnSync('chrt', ['--all-tasks', policy, '--pid', '0', String(process.pid)], { stdio: 'ignore' });
}
