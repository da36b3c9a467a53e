import { editObject } from '../../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { asObject, textOf } from '../../lib/json-value.ts';

/** Before the id of a message that the gateway itself adds to an answer. */
const PREFIX = 'msg_gateway_';

/**
 * A message that the gateway puts in the assistant's mouth, in the Responses format. Some clients send back the id of a message in
 * its place, for the provider to look up, and no provider knows this one: so its id holds its text.
 */
export function ownMessage(text: string): JsonObject {
  const id = PREFIX + Buffer.from(text).toString('base64url');
  const content = [{ type: 'output_text', text, annotations: [] }];
  return { type: 'message', id, status: 'completed', role: 'assistant', content };
}

/** A Responses request with such messages in the place of their ids, which providers would refuse. */
export function restoreOwn(request: Buffer, { input }: JsonObject): Buffer {
  if (!Array.isArray(input) || !request.includes(PREFIX)) return request;
  return editObject(request, { input: JSON.stringify(input.map(restoreItem)) });
}

function restoreItem(item: JsonValue): JsonValue {
  const id = textOf(asObject(item)?.id);
  if (!id.startsWith(PREFIX)) return item;
  return { role: 'assistant', content: Buffer.from(id.slice(PREFIX.length), 'base64url').toString() };
}
