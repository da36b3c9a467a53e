import type { Answer, StreamAnswer, TakeFrames, WholeAnswer } from './answer.ts';
import { addUsage, type Dialect, type ToolCall, type ToolResult } from './dialects/dialect.ts';
import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';

/** What a run of an agent needs of the outside. */
export interface AgentRun {
  readonly dialect: Dialect;
  /** How many times the calls of an answer may be run. */
  readonly maxDepth: number;
  isAutomatic(call: ToolCall): boolean;
  /** One round: asks the model. */
  ask(request: Buffer): Promise<Answer>;
  runTools(calls: readonly ToolCall[]): Promise<ToolResult[]>;
  /** Hears how the run ends, before its caller does. */
  onEnd(end: RunEnd): Promise<void>;
}

/** How a run ended that had more than one round, or left calls to its caller. */
export interface RunEnd {
  /** The id of its answer, as its caller knows it. */
  readonly shown: JsonValue | undefined;
  /** The answer of its last round. */
  readonly last: JsonObject;
  /** What has run of the calls of that answer. */
  readonly ran: readonly ToolResult[];
}

/** What the answer of one round leads to. */
interface Step {
  readonly automatic: readonly ToolCall[];
  readonly pending: readonly ToolCall[];
}

/**
 * Asks a model, runs the calls of tools that need nobody's consent, and asks again with what they gave, until an answer asks for
 * none of them. Calls of other tools end it, and calls that wait for a person: they are the caller's to run, who is told what
 * has run already. So nothing is lost or done twice, whatever the model would say the next time.
 */
export async function runAgent(request: Buffer, run: AgentRun): Promise<Answer> {
  const first = await run.ask(request);
  return first.kind === 'whole'
    ? continueWhole(request, first, run)
    : { ...first, read: (take) => continueStream(request, first, run, take) };
}

async function continueWhole(request: Buffer, first: WholeAnswer, run: AgentRun): Promise<WholeAnswer> {
  const { dialect, maxDepth } = run;
  const executed: ToolResult[] = [];
  let last = first;
  let body = request;
  let earlier: JsonObject['usage'];
  for (let depth = 0; ; depth += 1) {
    const { answer } = last;
    const { automatic, pending } = sort(dialect.callsOf(answer), run);
    const usage = addUsage(earlier, answer.usage);
    const summed = depth === 0 || usage === undefined ? answer : { ...answer, usage };
    const isOver = automatic.length === 0 || depth >= maxDepth;
    if (isOver && (pending.length === 0 || automatic.length > 0 || executed.length === 0))
      return depth === 0 ? last : write(last, summed);
    const results = isOver ? [] : await run.runTools(automatic);
    executed.push(...results);
    demandSignIn(executed);
    const open = openCalls(pending, results);
    if (open.length > 0) {
      await run.onEnd({ shown: answer.id, last: answer, ran: haveRun(results) });
      return write(last, dialect.mix(summed, executed, open));
    }
    earlier = usage;
    body = dialect.continueWith(body, answer, results);
    last = demandWhole(await run.ask(body));
  }
}

async function continueStream(request: Buffer, first: StreamAnswer, run: AgentRun, take: TakeFrames): Promise<void> {
  const { dialect, maxDepth } = run;
  const stitcher = dialect.createStitcher();
  const executed: ToolResult[] = [];
  let body = request;
  let { read } = first;
  let shown: JsonValue | undefined;
  for (let depth = 0; ; depth += 1) {
    await read((batch) => take(batch.flatMap((frame) => stitcher.push(frame))));
    const answer = stitcher.answer();
    if (depth === 0) shown = answer.id;
    const { automatic, pending } = sort(dialect.callsOf(answer), run);
    const isOver = automatic.length === 0 || depth >= maxDepth;
    if (isOver && (pending.length === 0 || automatic.length > 0 || executed.length === 0)) {
      if (depth > 0) await run.onEnd({ shown, last: answer, ran: [] });
      return take(stitcher.release());
    }
    const results = isOver ? [] : await run.runTools(automatic);
    executed.push(...results);
    demandSignIn(executed);
    const open = openCalls(pending, results);
    if (open.length > 0) {
      await run.onEnd({ shown, last: answer, ran: haveRun(results) });
      return take(stitcher.releaseMixed(executed, open));
    }
    stitcher.advance();
    body = dialect.continueWith(body, answer, results);
    ({ read } = demandStream(await run.ask(body)));
  }
}

function sort(calls: readonly ToolCall[], { isAutomatic }: AgentRun): Step {
  const automatic = calls.filter((call) => isAutomatic(call));
  return { automatic, pending: calls.filter((call) => !automatic.includes(call)) };
}

/** Throws what keeps a call from running while none has run: the caller signs in and asks again, and nothing runs twice. */
function demandSignIn(executed: readonly ToolResult[]): void {
  const refusal = executed.find((result) => result.refusal !== undefined)?.refusal;
  if (refusal !== undefined && executed.every(({ waits }) => waits !== undefined)) throw refusal;
}

function haveRun(results: readonly ToolResult[]): ToolResult[] {
  return results.filter(({ waits }) => waits === undefined);
}

/** What is left to the caller: calls of other tools, and calls that wait for a person. */
function openCalls(pending: readonly ToolCall[], results: readonly ToolResult[]): ToolCall[] {
  return [...pending, ...results.flatMap(({ waits }) => waits ?? [])];
}

function write(last: WholeAnswer, answer: JsonObject): WholeAnswer {
  return { ...last, bytes: Buffer.from(JSON.stringify(answer)), answer };
}

function demandWhole(answer: Answer): WholeAnswer {
  if (answer.kind === 'whole') return answer;
  throw new Error('a stream in the place of a whole answer');
}

function demandStream(answer: Answer): StreamAnswer {
  if (answer.kind === 'stream') return answer;
  throw new Error('a whole answer in the place of a stream');
}
