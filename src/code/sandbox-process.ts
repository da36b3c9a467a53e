import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { createRunner, getHostFunctionContext, RunError, setMaxWorkers, type RunContinuationState } from 'run';
import { messageOf } from '../lib/errors.ts';
import { lineIn, writeGuest } from './guest.ts';
import { stripTypes } from './strip-types.ts';
import type {
  Answer,
  FailureKind,
  FromProcess,
  Job,
  NestedCall,
  RunLimits,
  ProcessOutcome,
  ToProcess,
} from './sandbox-messages.ts';

/**
 * The process that runs code: it strips types, starts a worker per run, and passes calls on. So nothing that a caller wrote shares
 * memory, or a thread, with the gateway.
 */
interface Running {
  readonly abort: AbortController;
  readonly calls: Map<number, (answer: Answer) => void>;
}

/** Runs are counted by those who start them. */
const NO_LIMIT = 1_000;
const MB = 1024 * 1024;
/** Of the code with all that stands around it, in bytes. */
const MAX_SOURCE = 2 * MB;
const MAX_ARGUMENTS = MB;
/** What a tool may answer, and a report may hold, in bytes. */
const MAX_RESULT = 4 * MB;
const NICE = 10;
/** What there may be to keep of a run that waits: its source, and all that its calls gave. */
const MAX_CONTINUATION = 8 * MB;
const CANNOT_GO_ON =
  'the run cannot wait for approval, or go on after it: it has read too much, or the gateway has another version now; begin anew';

const runner = createRunner({
  continuationAudience: 'asbru-code',
  // What continues a run never leaves the gateway: it is kept encrypted, which also says that nobody has changed it.
  continuationCodec: {
    encode: (state) => JSON.stringify(state),
    decode: (text) => JSON.parse(text) as RunContinuationState,
  },
});
const running = new Map<number, Running>();
let lastCall = 0;

yieldToOthers();
setMaxWorkers(NO_LIMIT);
// The one warning says that stripping types is new in Node.
process.removeAllListeners('warning');
// Nobody is left to run anything for.
process.on('disconnect', () => process.exit());
process.on('message', (message: ToProcess) => {
  if (message.kind === 'run') void start(message.run, message.job);
  else if (message.kind === 'cancel') running.get(message.run)?.abort.abort();
  else running.get(message.run)?.calls.get(message.call)?.(message.answer);
});

/**
 * Code must never slow down what others do. On Linux each thread has a priority, and those that begin later inherit it: they run
 * when nobody else wants the processor, and whoever does gets it at once (sched(7), SCHED_IDLE). Where that cannot be set, code has
 * a smaller share.
 */
function yieldToOthers(): void {
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0];
  for (const thread of threads) setPriority(thread, NICE);
  if (process.platform !== 'linux') return;
  // Our environment is empty, so that there is no PATH to look at.
  const args = ['--all-tasks', '--idle', '--pid', '0', String(process.pid)];
  spawnSync('chrt', args, { stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } });
}

function post(message: FromProcess): void {
  process.send?.(message);
}

async function start(run: number, job: Job): Promise<void> {
  const state: Running = { abort: new AbortController(), calls: new Map() };
  running.set(run, state);
  const outcome = await execute(run, job, state);
  running.delete(run);
  post({ kind: 'end', run, outcome });
}

async function execute(run: number, job: Job, { abort, calls }: Running): Promise<ProcessOutcome> {
  const stripped = stripTypes(job.code);
  if (stripped.status === 'broken') return { status: 'worn' };
  if (stripped.status === 'refused') return { ...stripped, status: 'failed', kind: 'syntax' };
  const { limits, servers, artifacts, owner, resume } = job;
  const hasArtifacts = artifacts !== undefined;
  const source = writeGuest(stripped.code, { servers, limits, hasArtifacts });

  async function call(server: unknown, tool: unknown, args: unknown, printed: unknown): Promise<string> {
    const { interrupt, resume: decided } = getHostFunctionContext();
    if (server === '' && tool === 'artifacts') return artifacts ?? '{}';
    const id = (lastCall += 1);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    calls.set(id, resolve);
    const request: NestedCall = {
      server: String(server),
      tool: String(tool),
      args: String(args),
      printed: String(printed),
      resolution: decided?.resolution,
    };
    post({ kind: 'call', run, call: id, request });
    const answer = await promise;
    calls.delete(id);
    if (answer.kind === 'interrupt') return interrupt(answer.payload);
    return answer.kind === 'result' ? `R${answer.json}` : `E${JSON.stringify(answer)}`;
  }

  try {
    const result = await runner.run({
      source,
      hostFunctions: { asbru: { call } },
      abortSignal: abort.signal,
      continuationContext: owner,
      ...(resume && { continuation: resume.continuation, resolutions: [...resume.resolutions] }),
      limits: toRunLimits(limits),
    });
    if (result.status === 'interrupted') return result;
    return { status: 'completed', report: String(result.value) };
  } catch (error) {
    return { status: 'failed', ...describeFailure(error) };
  }
}

function toRunLimits({ timeoutMs, memoryBytes, calls }: RunLimits) {
  return {
    timeoutMs,
    memoryLimitBytes: memoryBytes,
    maxSourceBytes: MAX_SOURCE,
    maxResultBytes: MAX_RESULT,
    // The gateway's own output is not for what code prints.
    maxConsoleOutputBytes: 1,
    maxHostFunctionArgumentsBytes: MAX_ARGUMENTS,
    maxHostFunctionOutputBytes: MAX_RESULT + MB,
    // The gateway counts calls and lets code catch the error of one too many; this ends what goes on all the same.
    maxBridgeRequests: 2 * calls + 100,
    maxContinuationBytes: MAX_CONTINUATION,
    maxInFlightBridgeRequests: 2 * calls + 100,
  };
}

function describeFailure(error: unknown): { kind: FailureKind; message: string; line: number | undefined } {
  const { name, message, stack } = error instanceof Error ? error : new Error(messageOf(error));
  const code = RunError.isInstance(error) ? error.code : '';
  if (code === 'RUN_PROTOCOL_ERROR') return { kind: 'runtime', message: CANNOT_GO_ON, line: undefined };
  const kind = kindOf(code, name, message);
  return { kind, message, line: lineIn(stack, false) };
}

function kindOf(code: string, name: string, message: string): FailureKind {
  if (code === 'RUN_TIMEOUT' || message.endsWith('InternalError: interrupted')) return 'timeout';
  if (code === 'RUN_ABORTED') return 'cancelled';
  if (code === 'RUN_BRIDGE_LIMIT') return 'calls';
  if (code === 'RUN_SOURCE_TOO_LARGE') return 'compile';
  if (name === 'SyntaxError') return 'syntax';
  return name === 'InternalError' && message.includes('memory') ? 'memory' : 'runtime';
}
