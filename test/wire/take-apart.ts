import type { JsonObject } from '../../src/lib/json-rpc.ts';
import { asText, objectOf, objectsOf, textOf } from '../../src/lib/json-value.ts';
import type { StreamEvent } from '../../src/llm/formats/format.ts';
import { cut } from './arbitrary.ts';

/** The events with which Anthropic streams a message. */
export function streamOf(message: JsonObject, sizes: number[]): StreamEvent[] {
  const { usage, stop_reason, content } = message;
  const events: JsonObject[] = [
    { type: 'message_start', message: { ...message, content: [], usage: { ...objectOf(usage), output_tokens: 1 } } },
  ];
  for (const [index, block] of objectsOf(content).entries()) {
    const { empty, deltas } = takeApart(block, sizes);
    events.push({ type: 'content_block_start', index, content_block: empty });
    events.push(...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })));
    events.push({ type: 'content_block_stop', index });
  }
  const { output_tokens } = objectOf(usage);
  events.push(
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens } },
    { type: 'message_stop' },
  );
  return events.map((data) => ({ event: asText(data.type), data }));
}

function takeApart(block: JsonObject, sizes: number[]): { empty: JsonObject; deltas: JsonObject[] } {
  if (block.type === 'text')
    return {
      empty: { ...block, text: '' },
      deltas: cut(textOf(block.text), sizes).map((text) => ({ type: 'text_delta', text })),
    };
  if (block.type === 'tool_use')
    return {
      empty: { ...block, input: {} },
      deltas: cut(JSON.stringify(block.input), sizes).map((partial_json) => ({
        type: 'input_json_delta',
        partial_json,
      })),
    };
  if (block.type !== 'thinking') return { empty: block, deltas: [] };
  const thinking = cut(textOf(block.thinking), sizes).map((thinking) => ({ type: 'thinking_delta', thinking }));
  const signed = { type: 'signature_delta', signature: block.signature };
  return { empty: { ...block, thinking: '', signature: '' }, deltas: [...thinking, signed] };
}

/** The chunks with which a provider streams a chat completion. */
export function chunksFor(chat: JsonObject, sizes: number[]): JsonObject[] {
  const { id, created, model, usage } = chat;
  const { message, finish_reason } = objectsOf(chat.choices)[0] ?? {};
  const { content, tool_calls, reasoning_details } = objectOf(message);
  const deltas: JsonObject[] = [{ role: 'assistant', content: '' }];
  for (const { text, signature, ...detail } of objectsOf(reasoning_details)) {
    for (const piece of cut(textOf(text), sizes))
      deltas.push({ reasoning: piece, reasoning_details: [{ ...detail, text: piece }] });
    deltas.push({ reasoning_details: [{ ...detail, signature }] });
  }
  for (const piece of cut(textOf(content), sizes)) deltas.push({ content: piece });
  for (const [index, call] of objectsOf(tool_calls).entries()) {
    const { name, arguments: whole } = objectOf(call.function);
    deltas.push({ tool_calls: [{ index, ...call, function: { name, arguments: '' } }] });
    for (const piece of cut(textOf(whole), sizes))
      deltas.push({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  const head = { id, object: 'chat.completion.chunk', created, model };
  return [
    ...deltas.map((delta) => ({ ...head, choices: [{ index: 0, delta, finish_reason: null }] })),
    { ...head, choices: [{ index: 0, delta: {}, finish_reason }] },
    { ...head, choices: [], usage },
  ];
}
