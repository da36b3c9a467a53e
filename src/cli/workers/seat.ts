import cluster from 'node:cluster';
import { GatewayError } from '../../lib/errors.ts';
import { createSiblings, type Siblings } from '../../store/siblings.ts';
import type { FromWorker, Orders, ToWorker } from './messages.ts';

/** Gives the metrics in the text format. */
export type RenderMetrics = () => Promise<string>;

/** A process that is one of several workers, and what it has to do with the one that started it. */
export interface Seat extends Orders {
  /** The other workers. */
  readonly siblings: Siblings;
  /** `grace` is in seconds. */
  onStopOrder(stop: (grace: number) => void): void;
  /** It listens: says so. */
  serves(): void;
  /** Lets the others ask for what this worker counts, and gives the way to ask for what all of them do. */
  shareMetrics(own: RenderMetrics): RenderMetrics;
  /** Call last: leaves behind what was counted. */
  leave(): Promise<void>;
}

/** Where a worker finds its orders; no process that it starts shall. */
export const ORDERS_VARIABLE = 'ASBRU_WORKER_ORDERS';

/** Undefined in a process that is no worker. */
export function takeSeat(): Seat | undefined {
  const text = process.env[ORDERS_VARIABLE];
  delete process.env[ORDERS_VARIABLE];
  if (cluster.worker === undefined || text === undefined) return undefined;
  // Without this it would be ended at once, undrained, when whoever started it is gone.
  cluster.worker.exitedAfterDisconnect = true;
  const orders = JSON.parse(text) as Orders;
  const { shareMetrics, leave } = createMetricsLink();
  onMessage(({ kind }) => kind === 'worker_ping' && void send({ kind: 'worker_pong' }));
  return {
    ...orders,
    siblings: createSiblings(process),
    onStopOrder: (stop) => onMessage((message) => message.kind === 'worker_stop' && stop(message.grace)),
    serves: () => void send({ kind: 'worker_serves' }),
    shareMetrics,
    leave,
  };
}

function createMetricsLink(): Pick<Seat, 'shareMetrics' | 'leave'> {
  const waiting = new Map<number, PromiseWithResolvers<string>>();
  let number = 0;
  let render: RenderMetrics | undefined;

  async function ask(): Promise<string> {
    const id = (number += 1);
    const answer = Promise.withResolvers<string>();
    waiting.set(id, answer);
    if (!(await send({ kind: 'worker_ask_metrics', id }))) answer.reject(alone());
    return answer.promise.finally(() => waiting.delete(id));
  }

  return {
    shareMetrics(own) {
      onMessage((message) => {
        if (message.kind === 'worker_all_metrics') waiting.get(message.id)?.resolve(message.text);
        if (message.kind !== 'worker_render_metrics') return;
        // Whoever was never asked need not leave anything behind either: nobody has seen it.
        render = own;
        void own().then((text) => send({ kind: 'worker_metrics', text }));
      });
      process.once('disconnect', () => waiting.forEach(({ reject }) => reject(alone())));
      return ask;
    },
    async leave() {
      if (render !== undefined) await send({ kind: 'worker_metrics', text: await render() });
    },
  };
}

function alone(): GatewayError {
  return new GatewayError('shutting_down', 'the process that knows all workers is gone, so this one ends');
}

function onMessage(hear: (message: ToWorker) => void): void {
  process.on('message', (message) => hear(message as ToWorker));
}

/** False when nobody is there to be told. */
function send(message: FromWorker): Promise<boolean> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve(false);
    else process.send(message, undefined, {}, (error) => resolve(error === null));
  });
}
