import { Worker } from 'node:worker_threads';
import { messageOf } from '../../lib/errors.ts';
import { LedgerError, type Fault } from './faults.ts';
import type { EncodedLedgerStore } from './ledger-store.ts';

/** What a worker is started with. */
export interface WorkerOptions {
  readonly path: string;
  readonly isReader: boolean;
  /** Other processes write to the file, too. */
  readonly isShared: boolean;
}

export interface Call {
  readonly id: number;
  readonly method: keyof EncodedLedgerStore;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly fault: Fault } };

/** Calls into a worker thread. */
export interface WorkerLink {
  call(method: keyof EncodedLedgerStore, args: readonly unknown[]): Promise<unknown>;
  /** Lets the calls in flight end, then ends the thread. */
  close(): Promise<void>;
}

interface Pending {
  readonly settled: Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface LinkOptions extends WorkerOptions {
  /** End the thread when nobody asked it anything for so long. */
  readonly idleMs?: number;
  /** What the thread runs; for tests of its death. */
  readonly script?: URL;
}

// The same file as source or built: Node runs both.
const extension = new URL(import.meta.url).pathname.endsWith('.ts') ? 'ts' : 'js';
const entry = new URL(`ledger-worker.${extension}`, import.meta.url);

/**
 * A thread that is started by the first call, and again by the first call after it died: a dead thread fails the calls it
 * had, no others. It keeps the process alive only while a call is in flight.
 */
export function createWorkerLink({ idleMs, script = entry, ...workerData }: LinkOptions): WorkerLink {
  let thread: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  let isClosed = false;

  function open(): Thread {
    const opened = startThread(script, workerData, () => {
      if (thread === opened) thread = undefined;
    });
    return opened;
  }

  function restIfIdle(): void {
    clearTimeout(idle);
    if (idleMs === undefined || isClosed) return;
    idle = setTimeout(() => {
      if (thread === undefined || thread.pending.size > 0) return;
      void thread.end();
      thread = undefined;
    }, idleMs).unref();
  }

  return {
    async call(method, args) {
      if (isClosed) throw new LedgerError('it is closed', 'place');
      thread ??= open();
      try {
        return await thread.call(method, args);
      } finally {
        restIfIdle();
      }
    },
    async close() {
      isClosed = true;
      clearTimeout(idle);
      await thread?.end();
    },
  };
}

interface Thread {
  readonly pending: Map<number, Pending>;
  call(method: Call['method'], args: readonly unknown[]): Promise<unknown>;
  end(): Promise<void>;
}

function startThread(script: URL, workerData: WorkerOptions, onExit: () => void): Thread {
  // No arguments of the main thread: a loader or inspector that was meant for it must not run here.
  const worker = new Worker(script, { workerData, execArgv: [], name: 'ledger' });
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let cause: unknown;

  worker.on('message', (answer: Answer) => {
    const waiting = pending.get(answer.id);
    pending.delete(answer.id);
    if (pending.size === 0) worker.unref();
    if ('error' in answer) waiting?.reject(new LedgerError(answer.error.message, answer.error.fault));
    else waiting?.resolve(answer.result);
  });
  worker.on('error', (error) => (cause = error));
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      onExit();
      const why = cause === undefined ? 'its thread ended' : messageOf(cause);
      for (const { reject } of pending.values()) reject(new LedgerError(why, 'place', cause));
      pending.clear();
      resolve();
    });
  });

  function call(method: Call['method'], args: readonly unknown[]): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = (lastId += 1);
    worker.postMessage({ id, method, args } satisfies Call);
    pending.set(id, { resolve, reject, settled: promise });
    worker.ref();
    return promise;
  }

  return {
    pending,
    call,
    async end() {
      worker.ref();
      if (!workerData.isReader) {
        // What is being written is written to its end, then the file is closed. A search is broken off.
        await Promise.allSettled([...pending.values()].map(({ settled }) => settled));
        await call('close', []).catch(() => {});
      }
      await worker.terminate();
      await exited;
    },
  };
}
