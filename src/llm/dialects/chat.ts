import { appendToMember, writeList } from '../../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { writeComment, writeFrame, type Frame } from '../../lib/sse-frames.ts';
import { asObject, asWord, defined, objectOf, objectsOf, textOf } from '../../lib/json-value.ts';
import {
  addUsage,
  changeToolChoice,
  describeExecuted,
  type Dialect,
  type Stitcher,
  type ToolCall,
  type ToolResult,
} from './dialect.ts';
import { createChatGatherer } from './gather-chat.ts';

/** OpenAI chat completions. */
export const chatDialect: Dialect = {
  format: 'chat',
  defineTool: ({ name, description, schema }) =>
    JSON.stringify({ type: 'function', function: { name, description, parameters: schema } }),
  toolNames: ({ tools }) => objectsOf(tools).map((tool) => textOf(asObject(tool.function)?.name)),
  callsOf({ choices }) {
    const [choice = {}, ...others] = objectsOf(choices);
    return others.length > 0 || isCut(choice) ? [] : objectsOf(objectOf(choice.message).tool_calls).map(readCall);
  },
  continueWith(request, answer, results) {
    const message = objectOf(objectsOf(answer.choices)[0]?.message);
    const replies = results.map(({ call, text }) => ({ role: 'tool', tool_call_id: call.id, content: text }));
    const said = writeList([message, ...replies].map((item) => JSON.stringify(item)));
    return appendToMember(changeToolChoice(request, freeChoice), 'messages', said);
  },
  mix(answer, executed, pending) {
    const [choice = {}] = objectsOf(answer.choices);
    const message = objectOf(choice.message);
    const kept = objectsOf(message.tool_calls).flatMap((item) => {
      // Not every provider gives its calls ids, but what runs here and what does not has different names.
      const { id: itemId, name: itemName } = readCall(item);
      const call = pending.find(({ id, name }) => id === itemId && name === itemName);
      return call === undefined ? [] : { ...item, function: { ...objectOf(item.function), arguments: call.arguments } };
    });
    const content = [textOf(message.content), describeExecuted(executed)].filter((text) => text !== '').join('\n\n');
    return {
      ...answer,
      choices: [{ ...choice, finish_reason: 'stop', message: { ...message, content, tool_calls: kept } }],
    };
  },
  gistOf({ choices }) {
    const all = objectsOf(choices);
    const messages = all.map(({ message }) => message ?? null);
    return { output: messages.length === 1 ? messages[0] : messages, stopReason: asWord(all[0]?.finish_reason) };
  },
  createGatherer: createChatGatherer,
  createStitcher: createChatStitcher,
  errorFrame: (body) => writeFrame(body),
  signOfLife: () => SIGN_OF_LIFE,
};

const SIGN_OF_LIFE = writeComment('ping');

/** The last call of such an answer may be half said. One that came whole says why it ended, or nothing at all. */
function isCut({ finish_reason }: JsonObject): boolean {
  return finish_reason === null || finish_reason === 'length' || finish_reason === 'content_filter';
}

function freeChoice(choice: JsonValue): JsonValue | undefined {
  const { type, allowed_tools: allowed } = objectOf(choice);
  if (type === 'allowed_tools') return { ...objectOf(choice), allowed_tools: { ...objectOf(allowed), mode: 'auto' } };
  return choice === 'required' || choice === 'any' || type !== undefined ? 'auto' : undefined;
}

function readCall(call: JsonObject): ToolCall {
  const { name, arguments: given } = objectOf(call.function);
  // Some servers write them as the object that they are.
  const text = asObject(given) === undefined ? textOf(given) : JSON.stringify(given);
  return { id: textOf(call.id), name: textOf(name), arguments: text };
}

function createChatStitcher(): Stitcher {
  let first: JsonObject | undefined;
  let gatherer = createChatGatherer();
  let held: Frame[] = [];
  let isHolding = false;
  let round = 0;
  let earlier: JsonValue | undefined;

  /** The frame as a part of the caller's one answer. */
  function adopt(frame: Frame): Frame {
    const data = round === 0 ? undefined : frame.data;
    if (data === undefined) return frame;
    const usage = asObject(data.usage) === undefined ? {} : { usage: addUsage(earlier, data.usage) };
    return writeFrame({ ...data, id: first?.id, created: first?.created, ...usage }, frame.event);
  }

  const chunk = (delta: JsonObject, finish_reason: JsonValue = null, usage?: JsonValue): Frame => {
    const { id, created, model } = first ?? {};
    const choices = [{ index: 0, delta, finish_reason }];
    return writeFrame(defined({ id, object: 'chat.completion.chunk', created, model, choices, usage }));
  };

  return {
    push(frame) {
      const { data } = frame;
      if (data !== undefined) {
        if (objectsOf(data.choices).length > 0) first ??= data;
        gatherer.push(data);
        isHolding ||= mustWait(data);
      } else if (frame.text !== '') isHolding = true;
      if (!isHolding) return [adopt(frame)];
      held.push(frame);
      return [];
    },
    answer: () => gatherer.answer(),
    advance() {
      earlier = addUsage(earlier, gatherer.answer().usage);
      gatherer = createChatGatherer();
      held = [];
      isHolding = false;
      round += 1;
    },
    release: () => held.map(adopt),
    releaseMixed(executed: readonly ToolResult[], pending: readonly ToolCall[]) {
      const tool_calls = pending.map((call, index) => ({
        index,
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: call.arguments },
      }));
      // What remains of the round: usage and the end. Some providers tell the usage beside the last choice.
      const isRest = (frame: Frame) => objectsOf(frame.data?.choices).length === 0;
      const rest = held.filter(isRest).map(adopt);
      const beside = held.findLast((frame) => !isRest(frame) && asObject(frame.data?.usage) !== undefined);
      const usage = beside && addUsage(earlier, beside.data?.usage);
      return [chunk({ content: describeExecuted(executed) }), chunk({ tool_calls }), chunk({}, 'stop', usage), ...rest];
    },
  };
}

/** A chunk of a call, or one that belongs to the end of the answer. */
function mustWait({ choices, usage }: JsonObject): boolean {
  const all = objectsOf(choices);
  // Azure begins with a chunk without choices, which is about the question; the one at the end counts.
  if (all.length === 0) return asObject(usage) !== undefined;
  return all.some(({ finish_reason, delta }) => {
    return asWord(finish_reason) !== undefined || objectsOf(asObject(delta)?.tool_calls).length > 0;
  });
}
