import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { asObject, asWord, objectOf, objectsOf, textOf } from '../../lib/json-value.ts';
import { findCall } from '../formats/call-sequence.ts';
import type { Gatherer } from './dialect.ts';

/** Puts a chat completion together from its chunks. `finish_reason` is null where the stream did not say why it ended. */
export function createChatGatherer(): Gatherer {
  let last: JsonObject = {};
  let usage: JsonValue | undefined;
  const choices = new Map<JsonValue, Choice>();
  let hasFailed = false;

  return {
    push(data) {
      if (asObject(data.error) !== undefined || asWord(data.error) !== undefined) {
        hasFailed = true;
        return;
      }
      last = data;
      if (asObject(data.usage) !== undefined) ({ usage } = data);
      if (!Array.isArray(data.choices)) return;
      for (const value of data.choices) {
        const piece = asObject(value);
        if (piece === undefined) continue;
        const { index = 0 } = piece;
        let choice = choices.get(index);
        if (choice === undefined) choices.set(index, (choice = createChoice()));
        gather(piece, choice);
      }
    },
    answer() {
      const { id, created, model } = last;
      const said = choices.size === 0 ? [[0, createChoice()] as const] : [...choices];
      const whole = said.map(([index, choice]) => writeChoice(index, choice, hasFailed));
      return {
        id,
        created,
        model,
        object: 'chat.completion',
        choices: whole,
        ...(usage === undefined ? {} : { usage }),
      };
    },
    hasEnd: () => Array.from(choices.values()).some(({ finish_reason }) => finish_reason !== null),
  };
}

/** One of the answers, as far as it has come. */
interface Choice {
  readonly message: JsonObject;
  readonly calls: GatheredCall[];
  finish_reason: JsonValue;
}

interface GatheredCall {
  readonly index: JsonObject[string];
  id: string | undefined;
  call: JsonObject;
}

function createChoice(): Choice {
  return { message: { role: 'assistant', content: null }, calls: [], finish_reason: null };
}

function gather(piece: JsonObject, choice: Choice): void {
  const { message, calls } = choice;
  // Of each chunk of each answer, so that nothing is built that nobody keeps.
  const delta = objectOf(piece.delta);
  for (const key of Object.keys(delta)) {
    const value = delta[key];
    if (value === null || value === undefined || key === 'tool_calls') continue;
    message[key] = key === 'role' ? value : join(message[key], value);
  }
  if (delta.tool_calls !== undefined) for (const part of objectsOf(delta.tool_calls)) gatherCall(part, calls);
  choice.finish_reason = asWord(piece.finish_reason) ?? choice.finish_reason;
}

function gatherCall({ index, function: part, ...others }: JsonObject, calls: GatheredCall[]): void {
  const id = asWord(others.id);
  let known = findCall(calls, index, id);
  if (known === undefined) calls.push((known = { index, id: undefined, call: { type: 'function' } }));
  known.id ??= id;
  const before = objectOf(known.call.function);
  const { name, arguments: text, ...more } = objectOf(part);
  // Some providers repeat the members of a call in each of its pieces, with nothing in them.
  const said = Object.entries(others).filter(([, value]) => value !== null && value !== '');
  known.call = {
    ...known.call,
    ...Object.fromEntries(said),
    function: {
      ...before,
      ...more,
      name: textOf(before.name) || textOf(name),
      arguments: textOf(before.arguments) + textOf(text),
    },
  };
}

function writeChoice(index: JsonValue, { message, calls, finish_reason }: Choice, hasFailed: boolean): JsonObject {
  // A provider that failed may have left a call half said.
  const tool_calls = hasFailed ? [] : calls.map(({ call }) => call);
  return { index, message: tool_calls.length === 0 ? message : { ...message, tool_calls }, finish_reason };
}

/** Texts and lists grow; anything else is replaced. */
function join(before: JsonValue | undefined, more: JsonValue): JsonValue {
  if (typeof before === 'string' && typeof more === 'string') return before + more;
  return Array.isArray(before) && Array.isArray(more) ? [...before, ...more] : more;
}
