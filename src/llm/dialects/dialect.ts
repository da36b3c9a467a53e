import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import type { Frame } from '../../lib/sse-frames.ts';
import type { CallerFormat } from '../formats/format.ts';

/** A tool as the gateway offers it to a model. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly schema: JsonObject;
}

/** A call of a tool as a model asks for it. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** What became of a call. */
export interface ToolResult {
  readonly call: ToolCall;
  readonly text: string;
  readonly isError: boolean;
  /** Whether the text is only the beginning of what was kept. */
  readonly isKept?: boolean;
}

/**
 * How tools are spoken of in one format: in requests, in answers, and in streams. Whoever runs the calls of a model needs no
 * more of a format than this.
 */
export interface Dialect {
  readonly format: CallerFormat;
  /** What a tool looks like in a request, as JSON text. */
  defineTool(tool: OfferedTool): string;
  /** Names of the tools that a request brings along. */
  toolNames(request: JsonObject): string[];
  /** The calls that an answer asks for; none when it has several choices, of which nobody could say which one goes on. */
  callsOf(answer: JsonObject): ToolCall[];
  /** The request of the next round: that of the last one, the answer to it, and what became of its calls. */
  continueWith(request: Buffer, answer: JsonObject, results: readonly ToolResult[]): Buffer;
  /** The answer for a caller who has to run `pending` itself: the model's words, what has run already, the open calls. */
  mix(answer: JsonObject, executed: readonly ToolResult[], pending: readonly ToolCall[]): JsonObject;
  createGatherer(): Gatherer;
  createStitcher(): Stitcher;
  /** An error in the middle of a stream. */
  errorFrame(body: JsonObject): Frame;
}

/** Puts an answer together from the events of its stream. */
export interface Gatherer {
  push(data: JsonObject): void;
  /** The answer as far as it has come. */
  answer(): JsonObject;
}

/** Makes one stream for the caller out of the streams of all rounds. */
export interface Stitcher {
  /** Takes the next frame of this round; gives what the caller may have at once. From the first call of a tool on, nothing. */
  push(frame: Frame): Frame[];
  /** The whole answer of this round, when its stream has ended. */
  answer(): JsonObject;
  /** Another round follows: what was held of this one is for nobody. */
  advance(): void;
  /** This round is the last one: what was held of it, with the usage of all rounds. */
  release(): Frame[];
  /** As {@link Stitcher.release}, with what has run in place of the calls that are not `pending`. */
  releaseMixed(executed: readonly ToolResult[], pending: readonly ToolCall[]): Frame[];
}

/** What a model's caller reads of the tools that ran before calls that it has to run itself. */
export function describeExecuted(executed: readonly ToolResult[]): string {
  const names = executed.map(({ call }) => call.name);
  const isRepeated = (name: string) => names.indexOf(name) !== names.lastIndexOf(name);
  const byName = executed.map(({ call, text }) => [isRepeated(call.name) ? call.id : call.name, text]);
  return `Results of the tools that have run: ${JSON.stringify(Object.fromEntries(byName))}\n\nThe following tools are to be called next.`;
}

/** Two usages added up, number by number; what is no number is taken from the later one. */
export function addUsage(earlier: JsonValue | undefined, later: JsonValue | undefined): JsonValue | undefined {
  if (earlier === undefined || earlier === null) return later;
  if (later === undefined || later === null) return earlier;
  if (typeof earlier === 'number' && typeof later === 'number') return earlier + later;
  const [a, b] = [objectOf(earlier), objectOf(later)];
  if (a === undefined || b === undefined) return later;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...keys].map((key) => [key, addUsage(a[key], b[key])]));
}

/** The value if it is an object. */
export function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** The objects in a value that should be a list of them. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf).filter((item) => item !== undefined) : [];
}

/** The value if it is a text, else an empty one. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
