import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import { startCodeThread, type AnswerCall, type CodeThread } from './code-thread.ts';
import { createFairQueue } from './fair-queue.ts';
import type { FailureKind, Job, ThreadOutcome } from './sandbox-messages.ts';

/** What code reports at its end. It was written inside, so all of it is only what a caller says. */
const Report = z.object({
  /** JSON text, perhaps cut. */
  value: z.string().optional(),
  /** Characters of the whole value. */
  size: z.number().optional(),
  error: z
    .object({
      name: z.string().optional(),
      message: z.string().optional(),
      code: z.string().optional(),
      stack: z.string().optional(),
    })
    .optional(),
  output: z.string(),
  isCut: z.boolean(),
  artifacts: z.object({ set: z.record(z.string(), z.string()), removed: z.array(z.string()) }),
});
export type Report = z.infer<typeof Report>;

/** How a run ended. */
export type Outcome =
  | { readonly status: 'completed'; readonly report: Report }
  | {
      readonly status: 'failed';
      readonly kind: FailureKind;
      readonly message: string;
      readonly line: number | undefined;
    }
  | Extract<ThreadOutcome, { status: 'interrupted' }>;

/** Runs untrusted TypeScript, with limits, away from the main thread. */
export interface Sandbox {
  /** Runs a job to its end. Throws `code_busy`, and `call_cancelled` when the signal is aborted. */
  run(job: Job, answer: AnswerCall, signal: AbortSignal): Promise<Outcome>;
  close(): Promise<void>;
  readonly running: number;
  readonly waiting: number;
}

interface SandboxOptions {
  /** How many runs there may be at once. */
  readonly places: () => number;
  /** After how long without a run the thread ends, and gives back its memory. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;
const TOO_DEEP = 'the code cannot be parsed: it is nested too deeply';

/** The one way to run code. The thread starts with the first run and ends when nobody runs anything for a while. */
export function createSandbox({ places, idleMs = IDLE_MS }: SandboxOptions): Sandbox {
  const queue = createFairQueue(places);
  const threads = new Set<CodeThread>();
  let idle: NodeJS.Timeout | undefined;
  let isClosed = false;

  function current(): CodeThread {
    for (const thread of threads) if (thread.isRetired && thread.runs === 0) threads.delete(thread);
    const found = [...threads].find(({ isRetired }) => !isRetired);
    if (found !== undefined) return found;
    const fresh = startCodeThread();
    threads.add(fresh);
    return fresh;
  }

  /** Runs on the thread there is; if that is worn out, on a new one, so that nobody pays for what another caller broke. */
  async function onThread(job: Job, answer: AnswerCall, signal: AbortSignal): Promise<Outcome> {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const thread = current();
      const outcome = await thread.run(job, answer, signal);
      if (outcome.status !== 'worn') return read(outcome);
      thread.retire();
    }
    return { status: 'failed', kind: 'syntax', message: TOO_DEEP, line: undefined };
  }

  function restIfIdle(): void {
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (queue.running === 0) for (const thread of threads) thread.retire();
    }, idleMs).unref();
  }

  return {
    async run(job, answer, signal) {
      if (isClosed) throw new GatewayError('shutting_down', 'the gateway is shutting down');
      const leave = await queue.enter(job.owner, signal).catch((error: unknown) => {
        throw signal.aborted ? cancelled(error) : error;
      });
      try {
        const outcome = await onThread(job, answer, signal);
        if (signal.aborted) throw cancelled(signal.reason);
        return outcome;
      } finally {
        leave();
        restIfIdle();
      }
    },
    async close() {
      isClosed = true;
      clearTimeout(idle);
      await Promise.all([...threads].map((thread) => thread.end()));
    },
    get running() {
      return queue.running;
    },
    get waiting() {
      return queue.waiting;
    },
  };
}

function read(outcome: Exclude<ThreadOutcome, { status: 'worn' }>): Outcome {
  if (outcome.status !== 'completed') return outcome;
  const report = Report.safeParse(parse(outcome.report));
  if (report.success) return { status: 'completed', report: report.data };
  return { status: 'failed', kind: 'runtime', message: 'the code left without a report of its end', line: undefined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function cancelled(cause: unknown): GatewayError {
  return new GatewayError('call_cancelled', 'the caller gave up', { cause });
}
