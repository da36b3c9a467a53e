import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, defined, isObject, objectsOf, textOf } from '../../../lib/json-value.ts';
import { readThoughts, writeDetail, writeThoughts } from '../reasoning.ts';

/** Marks `encrypted_content` that holds the thoughts of another provider's model, as its chat completion had them. */
const PREFIX = 'rd1.';
const INCLUDE = 'reasoning.encrypted_content';

/** True for a caller who keeps thoughts and sends them back. */
export function wantsSealedThoughts(request: JsonObject): boolean {
  return Array.isArray(request.include) && request.include.includes(INCLUDE);
}

/** Entries of `reasoning_details` as one text that a caller keeps unread: signatures survive in it. */
export function sealThoughts(details: readonly JsonObject[]): string {
  const thoughts = readThoughts({ reasoning_details: [...details] }, () => true);
  const format = details.map((detail) => asText(detail.format)).find((name) => name !== undefined);
  const entries = thoughts.map((thought, index) => writeDetail(thought, index, format));
  return PREFIX + Buffer.from(JSON.stringify(entries)).toString('base64url');
}

/** An item `reasoning` as entries of `reasoning_details`. */
export function decodeThoughtItem(item: JsonObject): JsonObject[] {
  const sealed = asText(item.encrypted_content);
  const own = sealed === undefined ? undefined : openThoughts(sealed);
  if (own !== undefined) return own;
  const parts = [...objectsOf(item.summary), ...objectsOf(item.content)];
  const texts = parts.map((part) => ({ kind: 'text' as const, text: textOf(part.text), signature: undefined }));
  const read = objectsOf(writeThoughts(texts, undefined).reasoning_details);
  if (sealed === undefined) return read;
  const { id } = item;
  return [...read, defined({ type: 'reasoning.encrypted', data: sealed, id, format: 'openai-responses-v1' })];
}

function openThoughts(sealed: string): JsonObject[] | undefined {
  if (!sealed.startsWith(PREFIX)) return undefined;
  try {
    const entries: unknown = JSON.parse(Buffer.from(sealed.slice(PREFIX.length), 'base64url').toString());
    return Array.isArray(entries) ? entries.filter(isObject) : undefined;
  } catch {
    return undefined; // somebody else's
  }
}
