import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asText, defined, objectOf, objectsOf, textOf } from '../../../lib/json-value.ts';
import { parseDataUrl, readText } from '../media.ts';
import { refused } from '../refused.ts';

/** Parts that Anthropic has no block for. */
const FOREIGN_PARTS = new Set(['input_audio', 'video_url', 'audio']);

/** The content of a chat message, a text or a list of parts, as Anthropic's content blocks. Empty texts, which it refuses, are left out. */
export function encodeParts(content: JsonValue | undefined, field: string): JsonObject[] {
  if (typeof content === 'string') return encodeText({ text: content });
  return objectsOf(content).flatMap((part, index) => encodePart(part, `${field}[${index}]`));
}

function encodePart(part: JsonObject, field: string): JsonObject[] {
  const type = asText(part.type);
  if (type === 'text') return encodeText(part);
  if (type === 'refusal') return encodeText({ text: part.refusal });
  if (type === 'image_url') return [keepCache({ type: 'image', source: imageSource(part, field) }, part)];
  if (type === 'file') return [keepCache(documentOf(objectOf(part.file), field), part)];
  if (type === undefined || FOREIGN_PARTS.has(type))
    throw refused(`${field}.type`, `Anthropic has no content of the type "${type ?? ''}"`);
  return [part]; // one of Anthropic's own
}

function encodeText(part: JsonObject): JsonObject[] {
  const text = textOf(part.text);
  return text.trim() === '' ? [] : [keepCache({ type: 'text', text }, part)];
}

/** Where a caller marks what Anthropic shall keep for the next request, the mark stays. */
export function keepCache(block: JsonObject, ...marked: JsonObject[]): JsonObject {
  const mark = marked.find(({ cache_control }) => cache_control !== undefined && cache_control !== null);
  return mark === undefined ? block : { ...block, cache_control: mark.cache_control };
}

function imageSource(part: JsonObject, field: string): JsonObject {
  // Some clients send the address alone.
  const url = asText(part.image_url) ?? asText(objectOf(part.image_url).url);
  if (url === undefined) throw refused(`${field}.image_url.url`, 'must be an address');
  const inline = parseDataUrl(url);
  return inline === undefined
    ? { type: 'url', url }
    : { type: 'base64', media_type: inline.mediaType, data: inline.data };
}

function documentOf(file: JsonObject, field: string): JsonObject {
  const title = asText(file.filename);
  return defined({ type: 'document', source: documentSource(file, field), title });
}

function documentSource(file: JsonObject, field: string): JsonObject {
  const data = asText(file.file_data);
  if (data === undefined) {
    const url = asText(file.file_url);
    if (url !== undefined) return { type: 'url', url };
    const id = asText(file.file_id);
    if (id !== undefined) return { type: 'file', file_id: id };
    throw refused(`${field}.file`, 'must have file_data, as a data: URL');
  }
  const inline = parseDataUrl(data);
  if (inline === undefined)
    return data.startsWith('http')
      ? { type: 'url', url: data }
      : { type: 'base64', media_type: 'application/pdf', data };
  if (inline.mediaType.startsWith('text/')) return { type: 'text', media_type: 'text/plain', data: readText(inline) };
  return { type: 'base64', media_type: inline.mediaType, data: inline.data };
}
