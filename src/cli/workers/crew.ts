import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../lib/logger.ts';
import { backOff } from '../../lib/time.ts';
import { tell, type FromWorker, type Orders } from './messages.ts';
import { ORDERS_VARIABLE } from './seat.ts';
import { watchWorker } from './watch-worker.ts';

/** How a process ended: with a code, or by a signal. */
export type Ending = readonly [code: number | null, signal: string | null];

/** The workers, as many as there shall be. */
export interface Crew {
  /** Starts the first, and the others when it serves. Gives how the first ended, if it did before that. */
  open(): Promise<Ending | undefined>;
  /** Puts a new worker in the place of each, one after the other; each serves before the former one ends. */
  replaceAll(): Promise<void>;
  /** Lets all of them drain; rejects when one did not end well. */
  close(): Promise<void>;
  /** Ends all at once. */
  kill(): void;
}

interface CrewOptions {
  readonly count: number;
  readonly stdioHost: string;
  readonly logger: Logger;
  /** Hears of each worker when it is started. */
  readonly onWorker: (worker: Worker) => void;
}

/** One place in the crew, whoever has it. */
interface Place {
  readonly number: number;
  worker: Worker | undefined;
  /** Ends in a row that came soon after a start. */
  failures: number;
}

/** Whoever lived so long did not fail because of how it was started. */
const STEADY_MS = 60_000;

/** For so many seconds a worker that was replaced tells its clients to open another connection, before it closes idle ones. */
const GRACE = 1;

const NEVER_STARTED: Ending = [1, null];

/** Keeps so many workers running; one that ends is replaced, ever more slowly if that goes on. */
export function createCrew({ count, stdioHost, logger, onWorker }: CrewOptions): Crew {
  const places = Array.from({ length: count }, (_, at): Place => ({ number: at + 1, worker: undefined, failures: 0 }));
  /** All that live, with how they will end; also those that have lost their place. */
  const living = new Map<Worker, Promise<Ending>>();
  /** How a worker ends that never served matters to nobody. */
  const served = new WeakSet<Worker>();
  const closing = new AbortController();
  let isReplacing = false;

  function start(number: number, isFirst = false): Worker {
    const orders: Orders = { number, isFirst, stdioHost };
    const worker = cluster.fork({ [ORDERS_VARIABLE]: JSON.stringify(orders) });
    const ending = endingOf(worker);
    living.set(worker, ending);
    void ending.then(() => living.delete(worker));
    worker.on('message', ({ kind }: FromWorker) => kind === 'worker_serves' && served.add(worker));
    watchWorker(worker, () =>
      logger.error({ worker: number }, 'a worker gives no sign of life any more; it is killed'),
    );
    onWorker(worker);
    return worker;
  }

  /** A machine without memory for another process may have it later. */
  function tryToStart(number: number): Worker | undefined {
    try {
      return start(number);
    } catch (error) {
      logger.error({ worker: number, err: error }, 'a worker could not be started');
      return undefined;
    }
  }

  /** Gives a place to a worker, and when that has ended to another one. */
  async function fill(place: Place, worker: Worker | undefined): Promise<void> {
    for (let current = worker; ; current = tryToStart(place.number)) {
      place.worker = current;
      const begun = performance.now();
      const [code, signal] = (current && (await living.get(current))) ?? NEVER_STARTED;
      if (place.worker !== current || closing.signal.aborted) return;
      if (performance.now() - begun > STEADY_MS) place.failures = 0;
      const wait = place.failures === 0 ? 0 : Math.round(backOff(place.failures - 1));
      place.failures += 1;
      logger.error({ worker: place.number, code, signal, wait }, 'a worker has ended; another one takes its place');
      await sleep(wait, undefined, { signal: closing.signal }).catch(() => {});
      if (place.worker !== current || closing.signal.aborted) return;
    }
  }

  /** False when that fails; then the former worker stays. */
  async function replace(place: Place): Promise<boolean> {
    const fresh = tryToStart(place.number);
    const ending = fresh === undefined ? NEVER_STARTED : await servesOrEnds(fresh, living);
    if (ending !== undefined) {
      const problem = `a new worker ended ${describeEnding(ending)} before it served; the former ones stay`;
      if (!closing.signal.aborted) logger.error({ worker: place.number }, problem);
      return false;
    }
    const former = place.worker;
    void fill(place, fresh);
    if (former === undefined) return true;
    tell(former, { kind: 'worker_stop', grace: GRACE });
    await living.get(former);
    return true;
  }

  return {
    async open() {
      const [first, ...others] = places;
      if (first === undefined) return undefined;
      const worker = start(first.number, true);
      const ended = await servesOrEnds(worker, living);
      if (ended !== undefined) return ended;
      void fill(first, worker);
      if (!closing.signal.aborted) for (const place of others) void fill(place, tryToStart(place.number));
      return undefined;
    },
    async replaceAll() {
      if (isReplacing || closing.signal.aborted) return;
      isReplacing = true;
      logger.info('the workers are replaced, one after the other');
      for (const place of places) if (closing.signal.aborted || !(await replace(place))) break;
      isReplacing = false;
    },
    async close() {
      closing.abort();
      const all = [...living];
      for (const [worker] of all) tell(worker, { kind: 'worker_stop', grace: 0 });
      await Promise.all(all.map(([, ending]) => ending));
      const endings = await Promise.all(all.filter(([worker]) => served.has(worker)).map(([, ending]) => ending));
      const bad = endings.filter(([code]) => code !== 0);
      if (bad.length > 0)
        throw new Error(`${bad.length} of ${count} workers ended ${bad.map(describeEnding).join(', ')}`);
    },
    kill() {
      for (const worker of living.keys()) worker.process.kill('SIGKILL');
    },
  };
}

/** Such as "with code 1". */
export function describeEnding([code, signal]: Ending): string {
  return signal === null ? `with code ${code}` : `by ${signal}`;
}

function endingOf(worker: Worker): Promise<Ending> {
  return new Promise((resolve) => {
    worker.once('exit', (code, signal) => resolve([code, signal]));
    worker.on('error', () => {
      // Where the process could not even be started; else somebody told a worker something that was ending.
      if (worker.process.pid === undefined) resolve(NEVER_STARTED);
    });
  });
}

/** Undefined when it serves. */
function servesOrEnds(worker: Worker, living: ReadonlyMap<Worker, Promise<Ending>>): Promise<Ending | undefined> {
  const serves = new Promise<undefined>((resolve) => {
    worker.on('message', (message: FromWorker) => message.kind === 'worker_serves' && resolve(undefined));
  });
  return Promise.race([serves, living.get(worker)]);
}
