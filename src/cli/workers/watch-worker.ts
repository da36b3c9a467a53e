import type { Worker } from 'node:cluster';
import { tell, type FromWorker } from './messages.ts';

const EVERY_MS = 5_000;
/** As many questions may stay without an answer: half a minute in which a worker did nothing at all. */
const MISSES = 6;

/**
 * Asks a worker that serves for a sign of life again and again, and kills one that gives none, so that another takes its place: a
 * process whose event loop hangs keeps its connections and answers none. Questions are counted and not time, which also passes
 * while the whole machine sleeps.
 */
export function watchWorker(worker: Worker, onHung: () => void): void {
  let unanswered = 0;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    if (!worker.isConnected()) return;
    unanswered += 1;
    if (unanswered <= MISSES) return tell(worker, { kind: 'worker_ping' });
    clearInterval(timer);
    onHung();
    worker.process.kill('SIGKILL');
  }

  worker.on('message', ({ kind }: FromWorker) => {
    if (kind === 'worker_pong') unanswered = 0;
    else if (kind === 'worker_serves') timer ??= setInterval(look, EVERY_MS);
  });
  worker.once('exit', () => clearInterval(timer));
}
