import { appendToMember, writeList } from '../../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { writeComment, writeFrame, type Frame } from '../../lib/sse-frames.ts';
import { asObject, asWord, defined, objectOf, objectsOf, textOf } from '../../lib/json-value.ts';
import { refuseThread } from '../formats/messages/thread.ts';
import { addUsage, changeToolChoice, describeExecuted, type Dialect, type Gatherer, type Stitcher } from './dialect.ts';

/** Anthropic messages. */
export const messagesDialect: Dialect = {
  format: 'messages',
  defineTool: ({ name, description, schema }) => JSON.stringify({ name, description, input_schema: schema }),
  toolNames: ({ tools }) => objectsOf(tools).map(({ name }) => textOf(name)),
  callsOf: ({ content, stop_reason }) =>
    objectsOf(CUT.has(stop_reason) ? [] : content)
      .filter(({ type }) => type === 'tool_use')
      .map(({ id, name, input }) => ({ id: textOf(id), name: textOf(name), arguments: JSON.stringify(input ?? {}) })),
  demandConversation({ thread }) {
    if (asObject(thread) !== undefined) throw refuseThread();
  },
  continueWith(request, answer, results) {
    const content = results.map(({ call, text, isError }) => ({
      type: 'tool_result',
      tool_use_id: call.id,
      content: text,
      ...(isError && { is_error: true }),
    }));
    // Anthropic writes texts without a letter in them, but takes none.
    const words = objectsOf(answer.content).filter(({ type, text }) => type !== 'text' || textOf(text).trim() !== '');
    const turns = [
      { role: 'assistant', content: words },
      { role: 'user', content },
    ];
    const said = writeList(turns.map((turn) => JSON.stringify(turn)));
    return appendToMember(changeToolChoice(request, freeChoice), 'messages', said);
  },
  mix(answer, executed, pending) {
    const blocks = objectsOf(answer.content);
    const words = blocks.filter(({ type }) => type !== 'tool_use');
    const open = blocks.flatMap((block) => {
      const call = block.type === 'tool_use' ? pending.find(({ id }) => id === block.id) : undefined;
      return call === undefined ? [] : { ...block, input: JSON.parse(call.arguments) as JsonValue };
    });
    return { ...answer, content: [...words, { type: 'text', text: describeExecuted(executed) }, ...open] };
  },
  gistOf: ({ content, stop_reason }) => ({ output: content, stopReason: asWord(stop_reason) }),
  createGatherer: createMessagesGatherer,
  createStitcher: createMessagesStitcher,
  errorFrame: (body) => writeFrame(body, 'error'),
  signOfLife: (events) => (events === 0 ? BEFORE_START : PING),
};

/** Anthropic's own, of which there may be any number once the message has begun. */
const PING = writeFrame({ type: 'ping' }, 'ping');
const BEFORE_START = writeComment('ping');

/** Why answers end whose last call may be half said. One that came whole says why it ended, or nothing at all. */
const CUT: ReadonlySet<JsonValue | undefined> = new Set([
  null,
  'max_tokens',
  'model_context_window_exceeded',
  'refusal',
]);

function freeChoice(choice: JsonValue): JsonValue | undefined {
  const { type, disable_parallel_tool_use } = objectOf(choice);
  return type === 'any' || type === 'tool' ? defined({ type: 'auto', disable_parallel_tool_use }) : undefined;
}

/** Puts a message together from its events. `stop_reason` is null where the stream did not say why it ended. */
function createMessagesGatherer(): Gatherer {
  let message: JsonObject = {};
  const blocks: JsonObject[] = [];
  let hasFailed = false;
  let isStopped = false;
  return {
    push(data) {
      if (data.type === 'error') hasFailed = true;
      else if (data.type === 'message_stop') isStopped = true;
      else if (data.type === 'message_start') message = { ...asObject(data.message) };
      else gather(data, message, blocks);
    },
    answer() {
      // A provider that failed may have left a call half said.
      const whole = hasFailed ? blocks.filter(({ type }) => type !== 'tool_use') : blocks;
      return { ...message, stop_reason: message.stop_reason ?? null, content: whole.map(finishBlock) };
    },
    hasEnd: () => isStopped || asWord(message.stop_reason) !== undefined,
  };
}

function createMessagesStitcher(): Stitcher {
  let gatherer = createMessagesGatherer();
  let held: Frame[] = [];
  let isHolding = false;
  let round = 0;
  /** Blocks that the caller has got, of all rounds. */
  let given = 0;
  let offset = 0;
  let earlier: JsonValue | undefined;

  function adopt(frame: Frame): Frame {
    const data = round === 0 ? undefined : frame.data;
    if (data === undefined) return frame;
    const index = typeof data.index === 'number' ? { index: data.index + offset } : {};
    const usage = data.type === 'message_delta' ? { usage: addUsage(earlier, gatherer.answer().usage) } : {};
    return writeFrame({ ...data, ...index, ...usage }, frame.event);
  }

  const event = (data: JsonObject): Frame => writeFrame(data, textOf(data.type));

  function block(start: JsonObject, delta: JsonObject): Frame[] {
    const index = given++;
    return [
      event({ type: 'content_block_start', index, content_block: start }),
      event({ type: 'content_block_delta', index, delta }),
      event({ type: 'content_block_stop', index }),
    ];
  }

  return {
    push(frame) {
      const { data } = frame;
      if (data === undefined) return [frame];
      gatherer.push(data);
      if (data.type === 'message_start') return round === 0 ? [frame] : [];
      const isCall = data.type === 'content_block_start' && asObject(data.content_block)?.type === 'tool_use';
      isHolding ||= isCall || /^(?:message_delta|message_stop|error)$/.test(textOf(data.type));
      if (isHolding) {
        held.push(frame);
        return [];
      }
      if (data.type === 'content_block_start') given += 1;
      return [adopt(frame)];
    },
    answer: () => gatherer.answer(),
    advance() {
      earlier = addUsage(earlier, gatherer.answer().usage);
      gatherer = createMessagesGatherer();
      held = [];
      isHolding = false;
      round += 1;
      offset = given;
    },
    release: () => held.map(adopt),
    releaseMixed(executed, pending) {
      const end = held.filter((frame) => /^message_(?:delta|stop)$/.test(textOf(frame.data?.type))).map(adopt);
      const words = block({ type: 'text', text: '' }, { type: 'text_delta', text: describeExecuted(executed) });
      const calls = pending.flatMap(({ id, name, arguments: text }) =>
        block({ type: 'tool_use', id, name, input: {} }, { type: 'input_json_delta', partial_json: text }),
      );
      return [...words, ...calls, ...end];
    },
  };
}

/** Adds an event to the message that it is a part of. */
function gather(data: JsonObject, message: JsonObject, blocks: JsonObject[]): void {
  const index = typeof data.index === 'number' ? data.index : -1;
  if (data.type === 'content_block_start') blocks[index] = { ...asObject(data.content_block) };
  else if (data.type === 'content_block_delta') gatherDelta(objectOf(data.delta), blocks[index] ?? {});
  else if (data.type === 'message_delta') {
    Object.assign(message, asObject(data.delta));
    // Counts in here stand for the whole message, not for the part since the last event.
    message.usage = { ...asObject(message.usage), ...asObject(data.usage) };
  }
}

function gatherDelta(delta: JsonObject, block: JsonObject): void {
  const grow = (key: string, text: JsonValue | undefined) => (block[key] = textOf(block[key]) + textOf(text));
  if (delta.type === 'text_delta') grow('text', delta.text);
  else if (delta.type === 'input_json_delta') grow('input_json', delta.partial_json);
  else if (delta.type === 'thinking_delta') grow('thinking', delta.thinking);
  else if (delta.type === 'signature_delta') grow('signature', delta.signature);
  else if (delta.type === 'citations_delta') block.citations = [...objectsOf(block.citations), delta.citation ?? null];
}

/** The arguments of a call, the provider's own calls among them, are a text in pieces until they are all there. */
function finishBlock({ input_json, ...block }: JsonObject): JsonObject {
  if (typeof input_json !== 'string' || input_json === '') return block;
  try {
    return { ...block, input: JSON.parse(input_json) as JsonValue };
  } catch {
    return block;
  }
}
