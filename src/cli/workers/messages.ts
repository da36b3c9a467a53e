import type { Worker } from 'node:cluster';

/** What a worker is told when it is started. */
export interface Orders {
  /** From 1; a worker that takes the place of another has its number. */
  readonly number: number;
  /** It brings the database up and says for all where the gateway listens; the others follow when it serves. */
  readonly isFirst: boolean;
  /** The socket at which servers on stdio are run for all workers. */
  readonly stdioHost: string;
}

/** What the process that the user started tells its workers. Other parts may use the same channel with other kinds. */
export type ToWorker =
  /** Drain, and end; `grace` is seconds in which clients can move to other workers. */
  | { readonly kind: 'worker_stop'; readonly grace: number }
  /** Say that you live. */
  | { readonly kind: 'worker_ping' }
  | { readonly kind: 'worker_render_metrics' }
  | { readonly kind: 'worker_all_metrics'; readonly id: number; readonly text: string };

/** What workers tell it. */
export type FromWorker =
  | { readonly kind: 'worker_serves' }
  | { readonly kind: 'worker_pong' }
  /** What it has counted: because it was asked, or as its last word. */
  | { readonly kind: 'worker_metrics'; readonly text: string }
  | { readonly kind: 'worker_ask_metrics'; readonly id: number };

/** Tells a worker. One that is gone hears nothing, and that is noticed elsewhere. */
export function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => {});
}
