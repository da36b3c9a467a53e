import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asText, objectOf, objectsOf, textOf } from '../../../lib/json-value.ts';
import { writeDataUrl } from '../media.ts';
import { refused } from '../refused.ts';
import { keepCache } from './encode-parts.ts';

/** Anthropic's content, a text or blocks, as the content of a chat message. One plain text is written as such. */
export function decodeContent(content: JsonValue | undefined, field: string): string | JsonObject[] {
  if (typeof content === 'string') return content;
  const parts = decodeBlocks(objectsOf(content), field);
  const [only] = parts;
  return parts.length === 1 && only?.type === 'text' && only.cache_control === undefined ? textOf(only.text) : parts;
}

/** Blocks of a turn as parts of a chat message. */
export function decodeBlocks(blocks: readonly JsonObject[], field: string): JsonObject[] {
  return blocks.map((block, index) => decodeBlock(block, `${field}[${index}]`));
}

/** One of them; a mark for the cache stays. */
export function decodeBlock(block: JsonObject, field: string): JsonObject {
  return keepCache(partOf(block, field), block);
}

function partOf(block: JsonObject, field: string): JsonObject {
  switch (textOf(block.type)) {
    case 'text':
      return { type: 'text', text: textOf(block.text) };
    case 'image':
      return { type: 'image_url', image_url: { url: addressOf(objectOf(block.source), `${field}.source`) } };
    case 'document':
      return decodeDocument(block, objectOf(block.source), `${field}.source`);
    case 'search_result':
      return { type: 'text', text: readSearchResult(block) };
    case 'tool_reference':
      return { type: 'text', text: textOf(block.tool_name) };
    default:
      throw refused(`${field}.type`, `only Anthropic's own models take "${textOf(block.type)}"`);
  }
}

function addressOf(source: JsonObject, field: string): string {
  const url = asText(source.url);
  if (source.type === 'url' && url !== undefined) return url;
  const data = asText(source.data);
  const mediaType = asText(source.media_type);
  if (source.type === 'base64' && data !== undefined && mediaType !== undefined)
    return writeDataUrl({ mediaType, data });
  throw refused(field, 'only Anthropic has the files of its Files API; send base64');
}

function decodeDocument(block: JsonObject, source: JsonObject, field: string): JsonObject {
  const title = asText(block.title);
  if (source.type === 'text') return { type: 'text', text: headed(title, textOf(source.data)) };
  if (source.type === 'content') {
    const { content } = source;
    const texts = typeof content === 'string' ? [content] : objectsOf(content).map((part) => textOf(part.text));
    return { type: 'text', text: headed(title, texts.join('\n')) };
  }
  const filename = title ?? 'document.pdf';
  // OpenAI's chat completions have no address of a file, its responses do, under this name.
  if (source.type === 'url') return { type: 'file', file: { filename, file_url: addressOf(source, field) } };
  return { type: 'file', file: { filename, file_data: addressOf(source, field) } };
}

function readSearchResult(block: JsonObject): string {
  const texts = objectsOf(block.content).map((part) => textOf(part.text));
  return headed([asText(block.title), asText(block.source)].filter(Boolean).join(' '), texts.join('\n'));
}

function headed(title: string | undefined, text: string): string {
  return title === undefined || title === '' ? text : `${title}\n${text}`;
}
