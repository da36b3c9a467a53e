import type { JsonObject } from '../../src/lib/json-rpc.ts';
import { asText, objectOf, objectsOf, textOf } from '../../src/lib/json-value.ts';
import type { StreamEvent } from '../../src/llm/formats/format.ts';

/** What a client makes of chunks: the message they add up to, with the end of the choice and the usage. */
export function assembleChunks(chunks: readonly JsonObject[]): JsonObject {
  const message: JsonObject = {};
  const calls: JsonObject[] = [];
  const details: JsonObject[] = [];
  let rest: JsonObject = {};
  for (const chunk of chunks) {
    if (chunk.usage !== undefined) rest = { ...rest, usage: chunk.usage };
    const choice = objectsOf(chunk.choices)[0] ?? {};
    const { tool_calls, reasoning_details, role, ...texts } = objectOf(choice.delta);
    if (choice.finish_reason !== null && choice.finish_reason !== undefined)
      rest = { ...rest, finish_reason: choice.finish_reason };
    if (role !== undefined) message.role = role;
    for (const [name, piece] of Object.entries(texts)) message[name] = textOf(message[name]) + textOf(piece);
    for (const delta of objectsOf(tool_calls)) addCall(calls, delta);
    for (const delta of objectsOf(reasoning_details)) addDetail(details, delta);
  }
  return { message, calls, details, ...rest };
}

function addCall(calls: JsonObject[], { index, ...delta }: JsonObject): void {
  const at = Number(index);
  const known = calls[at] ?? {};
  const before = objectOf(known.function);
  const { name, arguments: piece } = objectOf(delta.function);
  const called = { name: before.name ?? name, arguments: textOf(before.arguments) + textOf(piece) };
  calls[at] = { ...known, ...delta, function: called };
}

function addDetail(details: JsonObject[], delta: JsonObject): void {
  const last = details.at(-1);
  if (last === undefined || last.index !== delta.index) details.push({ ...delta });
  else Object.assign(last, delta, last.text === undefined ? {} : { text: textOf(last.text) + textOf(delta.text) });
}

/** What Anthropic's client makes of its events. Throws where they are out of order. */
export function assembleMessage(events: readonly StreamEvent[]): JsonObject {
  let message: JsonObject = {};
  const blocks: { block: JsonObject; json: string; isOpen: boolean }[] = [];
  for (const { event, data } of events) {
    if (event !== data.type) throw new Error(`the event ${event} says it is ${asText(data.type)}`);
    const block = blocks[Number(data.index)];
    if (data.type === 'message_start') message = { ...objectOf(data.message) };
    else if (data.type === 'content_block_start') {
      if (data.index !== blocks.length || blocks.some(({ isOpen }) => isOpen))
        throw new Error('blocks are out of order');
      blocks.push({ block: { ...objectOf(data.content_block) }, json: '', isOpen: true });
    } else if (data.type === 'content_block_delta') {
      if (block?.isOpen !== true) throw new Error('a delta of a block that is not open');
      addDelta(block, objectOf(data.delta));
    } else if (data.type === 'content_block_stop') {
      if (block?.isOpen !== true) throw new Error('the end of a block that is not open');
      block.isOpen = false;
      if (block.block.type === 'tool_use') block.block.input = JSON.parse(block.json) as JsonObject;
    } else if (data.type === 'message_delta') message = { ...message, ...objectOf(data.delta), usage: data.usage };
  }
  return { ...message, content: blocks.map(({ block }) => block) };
}

function addDelta(open: { block: JsonObject; json: string }, delta: JsonObject): void {
  const { block } = open;
  if (delta.type === 'input_json_delta') open.json += textOf(delta.partial_json);
  else if (delta.type === 'signature_delta') block.signature = delta.signature;
  else {
    const name = delta.type === 'thinking_delta' ? 'thinking' : 'text';
    block[name] = textOf(block[name]) + textOf(delta[name]);
  }
}
