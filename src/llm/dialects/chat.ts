import { appendToMember, writeList } from '../../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { dataOf, writeFrame, type Frame } from '../../lib/sse-frames.ts';
import { asObject, asWord, objectOf, objectsOf, textOf } from '../../lib/json-value.ts';
import {
  addUsage,
  describeExecuted,
  type Dialect,
  type Gatherer,
  type Stitcher,
  type ToolCall,
  type ToolResult,
} from './dialect.ts';

/** OpenAI chat completions. */
export const chatDialect: Dialect = {
  format: 'chat',
  defineTool: ({ name, description, schema }) =>
    JSON.stringify({ type: 'function', function: { name, description, parameters: schema } }),
  toolNames: ({ tools }) => objectsOf(tools).map((tool) => textOf(asObject(tool.function)?.name)),
  callsOf({ choices }) {
    const all = objectsOf(choices);
    return all.length === 1 ? objectsOf(asObject(all[0]?.message)?.tool_calls).map(readCall) : [];
  },
  continueWith(request, answer, results) {
    const message = objectOf(objectsOf(answer.choices)[0]?.message);
    const replies = results.map(({ call, text }) => ({ role: 'tool', tool_call_id: call.id, content: text }));
    return appendToMember(request, 'messages', writeList([message, ...replies].map((item) => JSON.stringify(item))));
  },
  mix(answer, executed, pending) {
    const [choice = {}] = objectsOf(answer.choices);
    const message = objectOf(choice.message);
    const kept = objectsOf(message.tool_calls).flatMap((item) => {
      const call = pending.find(({ id }) => id === item.id);
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
};

function readCall(call: JsonObject): ToolCall {
  const { name, arguments: text } = objectOf(call.function);
  return { id: textOf(call.id), name: textOf(name), arguments: textOf(text) };
}

function createChatGatherer(): Gatherer {
  let last: JsonObject = {};
  let finish_reason: JsonValue = null;
  let usage: JsonValue | undefined;
  const message: JsonObject = { role: 'assistant', content: null };
  const calls: JsonObject[] = [];
  let hasFailed = false;

  return {
    push(data) {
      if (asObject(data.error) !== undefined) {
        hasFailed = true;
        return;
      }
      last = data;
      if (asObject(data.usage) !== undefined) ({ usage } = data);
      const choice = firstChoice(data);
      if (choice === undefined) return;
      // Of each chunk of each answer, so that nothing is built that nobody keeps.
      const delta = objectOf(choice.delta);
      for (const key of Object.keys(delta)) {
        const value = delta[key];
        if (value === null || value === undefined || key === 'tool_calls') continue;
        message[key] = key === 'role' ? value : join(message[key], value);
      }
      if (delta.tool_calls !== undefined) for (const piece of objectsOf(delta.tool_calls)) gatherCall(piece, calls);
      finish_reason = choice.finish_reason ?? finish_reason;
    },
    answer() {
      // A provider may begin to count at any number. One that failed may have left a call half said.
      const tool_calls = hasFailed ? [] : calls.filter((call) => call !== undefined);
      const whole = tool_calls.length === 0 ? message : { ...message, tool_calls };
      const choices = [{ index: 0, message: whole, finish_reason }];
      const { id, created, model } = last;
      return { id, created, model, object: 'chat.completion', choices, ...(usage === undefined ? {} : { usage }) };
    },
  };
}

function firstChoice({ choices }: JsonObject): JsonObject | undefined {
  return Array.isArray(choices) ? asObject(choices[0]) : undefined;
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
    const data = round === 0 ? undefined : dataOf(frame);
    if (data === undefined) return frame;
    const usage = asObject(data.usage) === undefined ? {} : { usage: addUsage(earlier, data.usage) };
    return writeFrame({ ...data, id: first?.id, created: first?.created, ...usage }, frame.event);
  }

  const chunk = (delta: JsonObject, finish_reason: JsonValue = null): Frame => {
    const { id, created, model } = first ?? {};
    const choices = [{ index: 0, delta, finish_reason }];
    return writeFrame({ id, object: 'chat.completion.chunk', created, model, choices });
  };

  return {
    push(frame) {
      const data = dataOf(frame);
      if (data !== undefined) {
        first ??= data;
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
      // What remains of the round: usage and the end.
      const rest = held.filter((frame) => objectsOf(dataOf(frame)?.choices).length === 0).map(adopt);
      return [chunk({ content: describeExecuted(executed) }), chunk({ tool_calls }), chunk({}, 'stop'), ...rest];
    },
  };
}

/** A chunk of a call, or one that belongs to the end of the answer. */
function mustWait({ choices }: JsonObject): boolean {
  const [choice] = objectsOf(choices);
  if (choice === undefined) return true;
  const isEnd = choice.finish_reason !== null && choice.finish_reason !== undefined;
  return isEnd || objectsOf(asObject(choice.delta)?.tool_calls).length > 0;
}

function gatherCall(piece: JsonObject, calls: JsonObject[]): void {
  const index = typeof piece.index === 'number' ? piece.index : calls.length;
  const call = (calls[index] ??= { type: 'function', function: { name: '', arguments: '' } });
  const { function: part, index: _, ...others } = piece;
  const into = objectOf(call.function);
  const { name, arguments: text, ...more } = objectOf(part);
  Object.assign(call, others, {
    function: {
      ...into,
      ...more,
      name: textOf(into.name) || textOf(name),
      arguments: textOf(into.arguments) + textOf(text),
    },
  });
}

/** Texts and lists grow; anything else is replaced. */
function join(before: JsonValue | undefined, more: JsonValue): JsonValue {
  if (typeof before === 'string' && typeof more === 'string') return before + more;
  return Array.isArray(before) && Array.isArray(more) ? [...before, ...more] : more;
}
