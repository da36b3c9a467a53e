import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, FromProcess, Job, NestedCall, ProcessOutcome, ToProcess } from './sandbox-messages.ts';

/** Answers what running code calls. Never rejects. */
export type AnswerCall = (call: NestedCall) => Promise<Answer>;

/** The process that runs code, seen from the gateway. */
export interface CodeProcess {
  /** Runs a job until it ends, or the signal is aborted. Never rejects. */
  run(job: Job, answer: AnswerCall, signal: AbortSignal): Promise<ProcessOutcome>;
  /** Takes no more runs; ends when those that it has are over. */
  retire(): void;
  end(): Promise<void>;
  readonly isRetired: boolean;
  readonly runs: number;
}

interface Started {
  readonly answer: AnswerCall;
  end(outcome: ProcessOutcome): void;
}

// The same file as source or built: Node runs both.
const extension = new URL(import.meta.url).pathname.endsWith('.ts') ? 'ts' : 'js';
const entry = new URL(`sandbox-process.${extension}`, import.meta.url);

/** How long a run may exceed its time before its process is taken for dead. */
const GRACE_MS = 5_000;
const MAX_HEAP_MB = 512;
/**
 * Each run has WebAssembly in a thread of its own. V8 13.6 ends the process now and then when what leads from there to JavaScript is
 * compiled in one thread and given up in another ("Check failed: jit_page.has_value()"): that many calls later it would be.
 */
const NEVER_COMPILED = 2_000_000_000;

/** Starts a process. It gets nothing of the gateway's: no environment, no arguments, no input or output. */
export function startCodeProcess(): CodeProcess {
  const started = new Map<number, Started>();
  const child = fork(fileURLToPath(entry), {
    env: {},
    execArgv: [`--max-old-space-size=${MAX_HEAP_MB}`, `--wasm-wrapper-tiering-budget=${NEVER_COMPILED}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    // It never began.
    child.once('error', () => resolve());
  });
  let lastRun = 0;
  let isRetired = false;

  // A process that is gone hears nothing; its runs end by its exit.
  const post = (message: ToProcess): void => void child.send(message, () => {});
  rest();
  child.on('message', (message: FromProcess) => {
    const run = started.get(message.run);
    if (message.kind === 'end') run?.end(message.outcome);
    else void run?.answer(message.request).then((answer) => post({ ...message, kind: 'answer', answer }));
  });
  child.on('error', onExit);
  child.on('exit', onExit);

  function onExit(): void {
    isRetired = true;
    const message = 'the sandbox was ended';
    for (const { end } of started.values()) end({ status: 'failed', kind: 'runtime', message, line: undefined });
  }

  /** An idle process does not keep the gateway's alive. */
  function rest(): void {
    child.unref();
    child.channel?.unref();
  }

  async function end(): Promise<void> {
    isRetired = true;
    child.kill('SIGKILL');
    await exited;
  }

  return {
    async run(job, answer, signal) {
      const run = (lastRun += 1);
      const { promise, resolve } = Promise.withResolvers<ProcessOutcome>();
      started.set(run, { answer, end: resolve });
      child.ref();
      child.channel?.ref();
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
        if (started.size === 0) rest();
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
