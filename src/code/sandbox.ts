import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import { createFairQueue } from '../lib/fair-queue.ts';
import { startCodeProcess, type AnswerCall, type CodeProcess } from './code-process.ts';
import type { FailureKind, Job, ProcessOutcome } from './sandbox-messages.ts';

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
  | Extract<ProcessOutcome, { status: 'interrupted' }>;

/** Runs untrusted TypeScript, with limits, away from the gateway's process. */
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
  /** After how long without a run the process ends, and gives back its memory. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;
const TOO_DEEP = 'the code cannot be parsed: it is nested too deeply';

/** How many runs may wait for each that can run. */
const WAITING_PER_PLACE = 16;

/** The one way to run code. Its process starts with the first run and ends when nobody runs anything for a while. */
export function createSandbox({ places, idleMs = IDLE_MS }: SandboxOptions): Sandbox {
  const busy = () => new GatewayError('code_busy', 'too much code is running and waiting; try again in a moment');
  const queue = createFairQueue({ places, room: () => places() * WAITING_PER_PLACE, busy });
  const hosts = new Set<CodeProcess>();
  let idle: NodeJS.Timeout | undefined;
  let isClosed = false;

  function current(): CodeProcess {
    for (const host of hosts) if (host.isRetired && host.runs === 0) hosts.delete(host);
    const found = [...hosts].find(({ isRetired }) => !isRetired);
    if (found !== undefined) return found;
    const fresh = startCodeProcess();
    hosts.add(fresh);
    return fresh;
  }

  /** Runs on the process there is; if that is worn out, on a new one, so that nobody pays for what another caller broke. */
  async function onHost(job: Job, answer: AnswerCall, signal: AbortSignal): Promise<Outcome> {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const host = current();
      const outcome = await host.run(job, answer, signal);
      if (outcome.status !== 'worn') return read(outcome);
      host.retire();
    }
    return { status: 'failed', kind: 'syntax', message: TOO_DEEP, line: undefined };
  }

  function restIfIdle(): void {
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (queue.running === 0) for (const host of hosts) host.retire();
    }, idleMs).unref();
  }

  return {
    async run(job, answer, signal) {
      if (isClosed) throw new GatewayError('shutting_down', 'the gateway is shutting down');
      const leave = await queue.enter(job.owner, signal).catch((error: unknown) => {
        throw signal.aborted ? cancelled(error) : error;
      });
      try {
        const outcome = await onHost(job, answer, signal);
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
      await Promise.all([...hosts].map((host) => host.end()));
    },
    get running() {
      return queue.running;
    },
    get waiting() {
      return queue.waiting;
    },
  };
}

function read(outcome: Exclude<ProcessOutcome, { status: 'worn' }>): Outcome {
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
