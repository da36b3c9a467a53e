import { Worker } from 'node:worker_threads';
import { messageOf } from '../lib/errors.ts';
import type { Answer, FromThread, Job, NestedCall, ThreadOutcome, ToThread } from './sandbox-messages.ts';

/** Answers what running code calls. Never rejects. */
export type AnswerCall = (call: NestedCall) => Promise<Answer>;

/** The thread that runs code, seen from the main thread. */
export interface CodeThread {
  /** Runs a job until it ends, or the signal is aborted. Never rejects. */
  run(job: Job, answer: AnswerCall, signal: AbortSignal): Promise<ThreadOutcome>;
  /** Takes no more runs; ends when those that it has are over. */
  retire(): void;
  end(): Promise<void>;
  readonly isRetired: boolean;
  readonly runs: number;
}

interface Started {
  readonly answer: AnswerCall;
  end(outcome: ThreadOutcome): void;
}

// The same file as source or built: Node runs both.
const extension = new URL(import.meta.url).pathname.endsWith('.ts') ? 'ts' : 'js';
const entry = new URL(`sandbox-thread.${extension}`, import.meta.url);

/** How long a run may exceed its time before its thread is taken for dead. */
const GRACE_MS = 5_000;
const MAX_HEAP_MB = 512;

/** Starts a thread. What it is given by code it passes on; it never gets the environment or arguments of the gateway. */
export function startCodeThread(): CodeThread {
  const started = new Map<number, Started>();
  const worker = new Worker(entry, {
    name: 'code',
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  worker.unref();
  let lastRun = 0;
  let isRetired = false;
  let cause: unknown;

  const post = (message: ToThread): void => worker.postMessage(message);
  worker.on('message', (message: FromThread) => {
    const run = started.get(message.run);
    if (message.kind === 'end') run?.end(message.outcome);
    else void run?.answer(message.request).then((answer) => post({ ...message, kind: 'answer', answer }));
  });
  worker.on('error', (error) => (cause = error));
  worker.on('exit', () => {
    isRetired = true;
    const message = cause === undefined ? 'the sandbox was ended' : `the sandbox broke: ${messageOf(cause)}`;
    for (const { end } of started.values()) end({ status: 'failed', kind: 'runtime', message, line: undefined });
  });

  async function end(): Promise<void> {
    isRetired = true;
    await worker.terminate();
  }

  return {
    async run(job, answer, signal) {
      const run = (lastRun += 1);
      const { promise, resolve } = Promise.withResolvers<ThreadOutcome>();
      started.set(run, { answer, end: resolve });
      worker.ref();
      post({ kind: 'run', run, job });
      const cancel = (): void => post({ kind: 'cancel', run });
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) cancel();
      const dead = setTimeout(() => void end(), job.limits.timeoutMs + GRACE_MS);
      try {
        return await promise;
      } finally {
        clearTimeout(dead);
        signal.removeEventListener('abort', cancel);
        started.delete(run);
        if (started.size === 0) worker.unref();
        if (isRetired && started.size === 0) void end();
      }
    },
    retire() {
      isRetired = true;
      if (started.size === 0) void end();
    },
    end,
    get isRetired() {
      return isRetired;
    },
    get runs() {
      return started.size;
    },
  };
}
