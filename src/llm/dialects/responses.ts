import { appendToMember, editObject, writeList } from '../../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { writeComment, writeFrame, type Frame } from '../../lib/sse-frames.ts';
import { asObject, asWord, listOf, objectOf, objectsOf, textOf } from '../../lib/json-value.ts';
import {
  addUsage,
  changeToolChoice,
  describeExecuted,
  type Dialect,
  type Gatherer,
  type Stitcher,
  type ToolCall,
  type ToolResult,
} from './dialect.ts';
import { ownMessage } from './own-message.ts';

/** OpenAI responses. */
export const responsesDialect: Dialect = {
  format: 'responses',
  // Without "strict" the provider would take optional arguments for a mistake.
  defineTool: ({ name, description, schema }) =>
    JSON.stringify({ type: 'function', name, description, parameters: schema, strict: false }),
  toolNames: ({ tools }) => objectsOf(tools).map(({ name }) => textOf(name)),
  // An answer that failed, or was cut off, may hold a call that is half said.
  callsOf: ({ output, status }) =>
    objectsOf(status === undefined || status === 'completed' ? output : [])
      .filter(({ type }) => type === 'function_call')
      .map((item) => ({ id: textOf(item.call_id), name: textOf(item.name), arguments: textOf(item.arguments) })),
  continueWith(request, answer, results) {
    const asked = JSON.parse(request.toString()) as JsonObject; // a request that was read before
    const outputs = outputsOf(results);
    const free = changeToolChoice(request, freeChoice);
    // A conversation that OpenAI keeps has all else already, and refuses to get it again.
    if (asked.conversation !== undefined && asked.conversation !== null)
      return editObject(free, { input: JSON.stringify(outputs) });
    const { input } = asked;
    const first = textOf(input) === '' ? [] : [{ role: 'user', content: input }];
    const whole = Array.isArray(input) ? free : editObject(free, { input: JSON.stringify(first) });
    const items = objectsOf(answer.output).filter((item) => asked.store !== false || !isKeptElsewhere(item));
    return appendToMember(whole, 'input', writeList([...items, ...outputs].map((item) => JSON.stringify(item))));
  },
  mix(answer, executed, pending) {
    const items = objectsOf(answer.output);
    const words = items.filter(({ type }) => type !== 'function_call');
    const open = openItems(items, pending);
    return { ...answer, output: [...words, ownMessage(describeExecuted(executed)), ...open] };
  },
  gistOf: ({ output, status, incomplete_details }) => ({
    output,
    stopReason: asWord(asObject(incomplete_details)?.reason) ?? asWord(status),
  }),
  createGatherer: createResponsesGatherer,
  createStitcher: createResponsesStitcher,
  errorFrame({ error: said, extra_fields }, sequence_number) {
    const error = objectOf(said);
    const { code = null, message = '', param = null } = error;
    const more = extra_fields === undefined ? {} : { extra_fields };
    // OpenAI's reference has these beside the type, some clients want them under "error".
    return writeFrame({ type: 'error', sequence_number, code, message, param, error, ...more }, 'error');
  },
  signOfLife: () => SIGN_OF_LIFE,
};

const SIGN_OF_LIFE = writeComment('ping');

/** What became of calls, as items of an input. */
export function outputsOf(results: readonly ToolResult[]): JsonObject[] {
  return results.map(({ call, text }) => ({ type: 'function_call_output', call_id: call.id, output: text }));
}

/** A thought that is nothing but an id, for which OpenAI would look where it has stored nothing. */
function isKeptElsewhere({ type, encrypted_content, content }: JsonObject): boolean {
  return type === 'reasoning' && asWord(encrypted_content) === undefined && listOf(content).length === 0;
}

function freeChoice(choice: JsonValue): JsonValue | undefined {
  const { type } = objectOf(choice);
  if (type === 'allowed_tools') return { ...objectOf(choice), mode: 'auto' };
  return choice === 'required' || type !== undefined ? 'auto' : undefined;
}

/** The calls that are left to the caller, with the arguments that they are to have. */
function openItems(items: readonly JsonObject[], pending: readonly ToolCall[]): JsonObject[] {
  return items.flatMap((item) => {
    const call = item.type === 'function_call' ? pending.find(({ id }) => id === item.call_id) : undefined;
    return call === undefined ? [] : { ...item, arguments: call.arguments };
  });
}

const OPENING = new Set(['response.created', 'response.in_progress', 'response.queued']);
const CLOSING = new Set(['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled']);

/** The events that open and close a stream hold all of the answer; of one that is not closed there is what was said up to then. */
function createResponsesGatherer(): Gatherer {
  let response: JsonObject = {};
  let isClosed = false;
  let done: JsonObject[] = [];
  let said = '';
  return {
    push({ type, response: whole, item, delta }) {
      const name = textOf(type);
      if (name === 'response.output_item.done') done.push(objectOf(item));
      if (name === 'response.output_item.done' || name === 'response.created') said = '';
      if (name === 'response.created') done = [];
      if (typeof delta === 'string') said += delta;
      if (!OPENING.has(name) && !CLOSING.has(name)) return;
      response = objectOf(whole);
      isClosed = CLOSING.has(name);
    },
    answer() {
      if (isClosed) return response;
      const part = { type: 'message', status: 'incomplete', content: [{ type: 'output_text', text: said }] };
      return { ...response, output: said === '' ? done : [...done, part] };
    },
    hasEnd: () => isClosed,
  };
}

function createResponsesStitcher(): Stitcher {
  const gatherer = createResponsesGatherer();
  let firstId: JsonValue | undefined;
  let held: Frame[] = [];
  let isHolding = false;
  let round = 0;
  let sequence = 0;
  /** Items that the caller has got, of all rounds. */
  let given: JsonObject[] = [];
  let offset = 0;
  let earlier: JsonValue | undefined;

  function adopt(data: JsonObject): JsonObject {
    const index = typeof data.output_index === 'number' ? { output_index: data.output_index + offset } : {};
    return { ...data, ...index };
  }

  const write = (data: JsonObject): Frame => writeFrame({ ...data, sequence_number: sequence++ }, textOf(data.type));

  /** The last event holds the whole answer, which for the caller is that of all rounds. */
  function close(data: JsonObject, output: readonly JsonObject[]): JsonObject {
    const usage = addUsage(earlier, gatherer.answer().usage);
    // OpenAI's own client takes no other id than that of the first event.
    return {
      ...data,
      response: { ...gatherer.answer(), id: firstId, output: [...output], ...(usage === undefined ? {} : { usage }) },
    };
  }

  const heldData = () => held.map(({ data }) => data ?? {});

  return {
    push(frame) {
      const { data } = frame;
      if (data === undefined) return [frame];
      const type = textOf(data.type);
      gatherer.push(data);
      firstId ??= gatherer.answer().id;
      if (OPENING.has(type) && round > 0) return [];
      const isCall = type === 'response.output_item.added' && asObject(data.item)?.type === 'function_call';
      isHolding ||= isCall || CLOSING.has(type);
      if (isHolding) {
        held.push(frame);
        return [];
      }
      if (type === 'response.output_item.done') given.push(objectOf(data.item));
      if (round > 0) return [write(adopt(data))];
      sequence += 1;
      return [frame];
    },
    answer: () => gatherer.answer(),
    advance() {
      earlier = addUsage(earlier, gatherer.answer().usage);
      held = [];
      isHolding = false;
      round += 1;
      offset = given.length;
    },
    release() {
      if (round === 0) return held;
      const whole = [...given.slice(0, offset), ...objectsOf(gatherer.answer().output)];
      return heldData().map((data) => write(CLOSING.has(textOf(data.type)) ? close(data, whole) : adopt(data)));
    },
    releaseMixed(executed, pending) {
      const message = ownMessage(describeExecuted(executed));
      const open = openItems(objectsOf(gatherer.answer().output), pending);
      const frames = [
        ...itemFrames(message, given.length),
        ...open.flatMap((item, at) => itemFrames(item, given.length + 1 + at)),
      ];
      given = [...given, message, ...open];
      const closing = heldData().filter(({ type }) => CLOSING.has(textOf(type)));
      return [...frames, ...closing.map((data) => close(data, given))].map(write);
    },
  };
}

/** The events that build up one item. */
function itemFrames(item: JsonObject, output_index: number): JsonObject[] {
  const place = { item_id: item.id, output_index };
  const begun = { type: 'response.output_item.added', output_index, item: { ...item, status: 'in_progress' } };
  const done = { type: 'response.output_item.done', output_index, item };
  if (item.type === 'function_call') {
    return [
      { ...begun, item: { ...begun.item, arguments: '' } },
      { type: 'response.function_call_arguments.delta', ...place, delta: item.arguments },
      { type: 'response.function_call_arguments.done', ...place, arguments: item.arguments },
      done,
    ];
  }
  const [part = {}] = objectsOf(item.content);
  const spot = { ...place, content_index: 0 };
  return [
    { ...begun, item: { ...begun.item, content: [] } },
    { type: 'response.content_part.added', ...spot, part: { ...part, text: '' } },
    { type: 'response.output_text.delta', ...spot, delta: part.text },
    { type: 'response.output_text.done', ...spot, text: part.text },
    { type: 'response.content_part.done', ...spot, part },
    done,
  ];
}
