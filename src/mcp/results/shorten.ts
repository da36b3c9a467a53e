import { editObject } from '../../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import type { Shorten } from '../search/call-through.ts';
import type { Results } from './results.ts';

/**
 * Puts a preview and a link in the place of the text of a result that is too large. Pictures and sound stay, as do the other
 * members; the structured content goes, as it says the same in another way. All of it is kept.
 */
export function createShorten(results: Results): Shorten {
  return async (reply, tool, { caller }) => {
    const { limit } = results;
    // As JSON a text is never shorter than it is.
    if (reply.kind === 'error' || limit === 0 || reply.bytes.length <= limit) return reply;
    const value = JSON.parse(reply.bytes.toString()) as JsonObject; // checked when it came
    if (!Array.isArray(value.content)) return reply;
    const { texts, others, isPlain } = sort(value.content);
    const structured = value.structuredContent;
    if (texts.length === 0 && structured === undefined) return reply;
    const structuredText = structured === undefined ? '' : JSON.stringify(structured);
    const text = texts.length > 0 ? texts.join('\n') : structuredText;
    // Pictures may be large: they are no text that a model reads.
    if (Buffer.byteLength(text) <= limit && Buffer.byteLength(structuredText) <= limit) return reply;
    const whole = isPlain && structured === undefined ? undefined : reply.bytes.toString();
    const kept = await results.keep(text, whole, { tool, principal: caller.principal });
    if (kept === undefined) return reply;
    const link = {
      type: 'resource_link',
      uri: kept.uri,
      name: `Result of ${tool}`,
      mimeType: 'text/plain',
      size: Buffer.byteLength(text),
    };
    const content = JSON.stringify([{ type: 'text', text: kept.notice }, link, ...others]);
    return { ...reply, bytes: editObject(reply.bytes, { content, structuredContent: undefined }) };
  };
}

/** Blocks by whether a model reads them as text. */
function sort(content: readonly JsonValue[]): { texts: string[]; others: JsonValue[]; isPlain: boolean } {
  const texts: string[] = [];
  const others: JsonValue[] = [];
  let isPlain = true;
  for (const block of content) {
    const { type, text, resource } = (block ?? {}) as JsonObject;
    const embedded = type === 'resource' ? ((resource ?? {}) as JsonObject).text : undefined;
    if (type === 'text' && typeof text === 'string') texts.push(text);
    else if (typeof embedded === 'string') {
      texts.push(embedded);
      isPlain = false;
    } else others.push(block);
  }
  return { texts, others, isPlain };
}
