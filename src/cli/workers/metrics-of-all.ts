import type { Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMetricsSum } from '../../telemetry/sum-metrics.ts';
import { tell, type FromWorker } from './messages.ts';

/** So long a scrape waits for workers that are busy; then what they said last stands for them. */
const ANSWER_MS = 2_000;

/**
 * Answers a worker that is asked for metrics with the sum over all of them. What workers that have ended had counted stays in
 * it: a sum that fell would look to Prometheus as if all had begun anew, and it would count everything twice.
 */
export function createMetricsOfAll(): { follow(worker: Worker): void } {
  const ended = createMetricsSum();
  /** The living, and what each said last. */
  const texts = new Map<Worker, string>();
  const waiting = new Map<Worker, () => void>();
  let lastTurn = Promise.resolve('');

  async function collect(): Promise<string> {
    const answers = [...texts.keys()].map((worker) => {
      tell(worker, { kind: 'worker_render_metrics' });
      return new Promise<void>((resolve) => waiting.set(worker, resolve));
    });
    await Promise.race([Promise.all(answers), sleep(ANSWER_MS, undefined, { ref: false })]);
    const sum = createMetricsSum();
    sum.add(ended.render());
    for (const text of texts.values()) sum.add(text);
    return sum.render();
  }

  return {
    follow(worker) {
      texts.set(worker, '');
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'worker_metrics') {
          texts.set(worker, message.text);
          waiting.get(worker)?.();
        }
        if (message.kind !== 'worker_ask_metrics') return;
        const { id } = message;
        // One after the other, each from its beginning: whoever asks sees what was done before.
        lastTurn = lastTurn.then(collect);
        void lastTurn.then((text) => tell(worker, { kind: 'worker_all_metrics', id, text }));
      });
      // Comes after all that it has said, as "exit" need not.
      worker.once('disconnect', () => {
        ended.add(texts.get(worker) ?? '', 'counted');
        texts.delete(worker);
        waiting.get(worker)?.();
        waiting.delete(worker);
      });
    },
  };
}
