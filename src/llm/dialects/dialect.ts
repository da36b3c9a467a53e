import type { GatewayError } from '../../lib/errors.ts';
import { editObject } from '../../lib/json-edit.ts';
import { membersOf, textOfMember } from '../../lib/json-members.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import type { Frame } from '../../lib/sse-frames.ts';
import { asObject } from '../../lib/json-value.ts';
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
  /** It has not run, but waits for a person: what is to be called once that is decided. */
  readonly waits?: ToolCall;
  /** What it waits for is that its caller signs in: what a caller is told of whose calls none has run. */
  readonly refusal?: GatewayError;
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
  /**
   * The calls that an answer asks for; none when it has several choices, of which nobody could say which one goes on, and none when it
   * was cut off, perhaps within a call.
   */
  callsOf(answer: JsonObject): ToolCall[];
  /** Throws for a request that cannot be asked in rounds, because the conversation is not in it. */
  demandConversation?(request: JsonObject): void;
  /** The request of the next round: that of the last one, the answer to it, and what became of its calls. */
  continueWith(request: Buffer, answer: JsonObject, results: readonly ToolResult[]): Buffer;
  /** The answer for a caller who has to run `pending` itself: the model's words, what has run already, the open calls. */
  mix(answer: JsonObject, executed: readonly ToolResult[], pending: readonly ToolCall[]): JsonObject;
  /** What an answer says, and why it ended; for the logs. */
  gistOf(answer: JsonObject): Gist;
  createGatherer(): Gatherer;
  createStitcher(): Stitcher;
  /** An error in the middle of a stream, after so many events. */
  errorFrame(body: JsonObject, events: number): Frame;
  /** What says nothing but that the stream is alive, after so many events. */
  signOfLife(events: number): Frame;
}

/** The part of an answer that is kept. */
export interface Gist {
  readonly output: JsonValue | undefined;
  readonly stopReason: string | undefined;
}

/** Puts an answer together from the events of its stream. */
export interface Gatherer {
  push(data: JsonObject): void;
  /** The answer as far as it has come. */
  answer(): JsonObject;
  /** Whether the stream has said that the answer ended, or why. */
  hasEnd(): boolean;
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

/**
 * The request of a later round. A caller who demands a call has got it with the first round; demanded again and again, no round could
 * be the last one. `free` gives what a demand becomes, undefined for what is none.
 */
export function changeToolChoice(request: Buffer, free: (choice: JsonValue) => JsonValue | undefined): Buffer {
  const member = membersOf(request).list.findLast(({ key }) => key === 'tool_choice');
  if (member === undefined) return request;
  const choice = free(JSON.parse(textOfMember(request, member)) as JsonValue); // a request that was read before
  return choice === undefined ? request : editObject(request, { tool_choice: JSON.stringify(choice) });
}

/** What a model's caller reads of the tools that ran before calls that it has to run itself. */
export function describeExecuted(executed: readonly ToolResult[]): string {
  const waiting = executed.filter(({ waits }) => waits !== undefined).map(({ text }) => text);
  const ran = describeRan(executed.filter(({ waits }) => waits === undefined));
  return [...ran, ...waiting, 'The following tools are to be called next.'].join('\n\n');
}

function describeRan(executed: readonly ToolResult[]): string[] {
  if (executed.length === 0) return [];
  const names = executed.map(({ call }) => call.name);
  const isRepeated = (name: string) => names.indexOf(name) !== names.lastIndexOf(name);
  const byName = executed.map(({ call, text }) => [isRepeated(call.name) ? call.id : call.name, text]);
  return [`Results of the tools that have run: ${JSON.stringify(Object.fromEntries(byName))}`];
}

/** Two usages added up, number by number; what is no number is taken from the later one. */
export function addUsage(earlier: JsonValue | undefined, later: JsonValue | undefined): JsonValue | undefined {
  if (earlier === undefined || earlier === null) return later;
  if (later === undefined || later === null) return earlier;
  if (typeof earlier === 'number' && typeof later === 'number') return earlier + later;
  const [a, b] = [asObject(earlier), asObject(later)];
  if (a === undefined || b === undefined) return later;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...keys].map((key) => [key, addUsage(a[key], b[key])]));
}
