import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asText, defined, objectsOf, textOf } from '../../../lib/json-value.ts';
import { readThoughts, writeThoughts } from '../reasoning.ts';
import { refused, requireObjects } from '../refused.ts';
import { splitToolContent } from '../tool-result.ts';
import { decodeThoughtItem } from './thought-item.ts';

/** What a model said in one go: in responses these are items side by side, in chat completions one message. */
interface Spoken {
  texts: JsonObject[];
  refusal: string;
  thoughts: JsonObject[];
  calls: JsonObject[];
}

/** The input of a response, a text or items, as chat messages. */
export function decodeInput(input: JsonValue | undefined): JsonObject[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  if (!Array.isArray(input)) throw refused('input', 'must be a text or a list of items');
  const messages: JsonObject[] = [];
  let spoken: Spoken | undefined;
  let media: JsonObject[] = [];
  const flush = (): void => {
    if (spoken !== undefined) messages.push(writeSpoken(spoken));
    spoken = undefined;
  };
  const flushMedia = (): void => {
    if (media.length > 0) messages.push({ role: 'user', content: media });
    media = [];
  };
  for (const [index, item] of requireObjects(input, 'input').entries()) {
    const field = `input[${index}]`;
    if (item.type === 'function_call_output') {
      flush();
      const result = decodeResult(item, `${field}.output`);
      messages.push(result.message);
      media.push(...result.media);
      continue;
    }
    flushMedia(); // behind the last of several results, which must stand together
    if (!isSpoken(item)) {
      flush();
      messages.push(decodeItem(item, field));
      continue;
    }
    // After a call comes its result, so whatever else stands before that belongs to the same message.
    if (spoken !== undefined && spoken.calls.length === 0 && isBegin(item, spoken)) flush();
    spoken ??= { texts: [], refusal: '', thoughts: [], calls: [] };
    addSpoken(spoken, item, field);
  }
  flush();
  flushMedia();
  return messages;
}

function isSpoken(item: JsonObject): boolean {
  return item.type === 'reasoning' || item.type === 'function_call' || (isMessage(item) && item.role === 'assistant');
}

/** A message may leave its type out. */
function isMessage(item: JsonObject): boolean {
  return item.type === 'message' || (item.type === undefined && item.role !== undefined);
}

function isBegin(item: JsonObject, spoken: Spoken): boolean {
  return item.type !== 'function_call' && (spoken.texts.length > 0 || spoken.refusal !== '');
}

function addSpoken(spoken: Spoken, item: JsonObject, field: string): void {
  if (item.type === 'reasoning') spoken.thoughts.push(...decodeThoughtItem(item));
  else if (item.type === 'function_call') spoken.calls.push(decodeCall(item));
  else if (typeof item.content === 'string') spoken.texts.push({ type: 'text', text: item.content });
  else
    for (const [index, part] of objectsOf(item.content).entries()) {
      if (part.type === 'refusal') spoken.refusal += textOf(part.refusal);
      else spoken.texts.push(decodePart(part, `${field}.content[${index}]`));
    }
}

function decodeCall(item: JsonObject): JsonObject {
  const called = { name: textOf(item.name), arguments: textOf(item.arguments) };
  const { extra_content } = item; // what items.ts has put there
  return defined({ id: textOf(item.call_id), type: 'function', function: called, extra_content });
}

function writeSpoken({ texts, refusal, thoughts, calls }: Spoken): JsonObject {
  const text = texts.map((part) => textOf(part.text)).join('');
  const readable = readThoughts({ reasoning_details: thoughts }, () => true);
  return defined({
    role: 'assistant',
    // Only beside calls or a refusal there may be none.
    content: texts.length === 0 && (calls.length > 0 || refusal !== '') ? null : text,
    refusal: refusal === '' ? undefined : refusal,
    reasoning: writeThoughts(readable, undefined).reasoning,
    reasoning_details: thoughts.length === 0 ? undefined : thoughts,
    tool_calls: calls.length === 0 ? undefined : calls,
  });
}

function decodeResult(item: JsonObject, field: string): { message: JsonObject; media: JsonObject[] } {
  const { output, call_id } = item;
  const { content, media } = Array.isArray(output)
    ? splitToolContent(objectsOf(output).map((part, index) => decodePart(part, `${field}[${index}]`)))
    : { content: textOf(output), media: [] };
  return { message: { role: 'tool', tool_call_id: textOf(call_id), content }, media };
}

function decodeItem(item: JsonObject, field: string): JsonObject {
  if (isMessage(item)) {
    const role = asText(item.role);
    if (role !== 'user' && role !== 'system' && role !== 'developer')
      throw refused(`${field}.role`, 'must be user, system, developer or assistant');
    return { role, content: decodeContent(item.content, `${field}.content`) };
  }
  if (item.type === 'item_reference') throw refused(`${field}.type`, 'this model keeps no items; send the item itself');
  throw refused(`${field}.type`, `this model has no items of the type "${textOf(item.type)}"`);
}

function decodeContent(content: JsonValue | undefined, field: string): JsonValue {
  if (!Array.isArray(content)) return textOf(content);
  const parts = objectsOf(content).map((part, index) => decodePart(part, `${field}[${index}]`));
  const [only] = parts;
  return parts.length === 1 && only?.type === 'text' ? (only.text ?? '') : parts;
}

function decodePart(part: JsonObject, field: string): JsonObject {
  switch (textOf(part.type)) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: textOf(part.text) };
    case 'input_image': {
      const { image_url: url, detail } = part;
      if (typeof url !== 'string') throw refused(`${field}.image_url`, 'must be an address; this model has no files');
      return { type: 'image_url', image_url: defined({ url, detail: detail ?? undefined }) };
    }
    case 'input_file': {
      const { file_data, file_url, filename } = part;
      if (typeof file_data !== 'string' && typeof file_url !== 'string')
        throw refused(`${field}.file_data`, 'must be the file; this model has no files of its own');
      return { type: 'file', file: defined({ filename, file_data, file_url }) };
    }
    case 'input_audio':
      return { type: 'input_audio', input_audio: part.input_audio };
    default:
      throw refused(`${field}.type`, `this model has no content of the type "${textOf(part.type)}"`);
  }
}
