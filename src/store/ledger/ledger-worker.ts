import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../lib/errors.ts';
import { sqlite } from '../dialect.ts';
import { openOn } from './ledger-store.ts';
import { describeFault } from './faults.ts';
import type { Answer, Call, WorkerOptions } from './worker-link.ts';

/** The lowest of all priorities. */
const LAST = 19;

/** The thread that owns a SQLite ledger: it answers calls by name, so that no statement ever runs on the main thread. */
const { path, isReader, isShared } = workerData as WorkerOptions; // from worker-link.ts
const store = Promise.try(() => openOn(sqlite(path, { isShared }), { isReader }));
store.catch(() => {}); // every call answers with it
yieldToCalls();

parentPort?.on('message', (call: Call) => {
  void answer(call).then((reply) => parentPort?.postMessage(reply));
});

async function answer({ id, method, args }: Call): Promise<Answer> {
  try {
    const run = (await store)[method] as (...args: readonly unknown[]) => Promise<unknown>;
    return { id, result: await run(...args) };
  } catch (error) {
    return { id, error: { message: messageOf(error), fault: describeFault(error) } };
  }
}

/**
 * Calls come before what is written of them, and that before what somebody wants to read of it. On Linux a thread has a priority of
 * its own (sched(7)): with this one it gets a third, or a tenth, of what a thread gets that wants the same processor.
 */
function yieldToCalls(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Math.min(getPriority() + (isReader ? 10 : 5), LAST));
  } catch {
    // Where that is forbidden, all have the same share.
  }
}
