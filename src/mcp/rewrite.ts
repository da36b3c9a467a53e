import { editObject } from '../lib/json-edit.ts';
import { replaceStrings } from '../lib/json-replace.ts';
import type { Reply } from '../lib/json-rpc.ts';

/** A JSON object with another string for one of its members; every other byte stays as it was. */
export function withString(json: string, member: string, value: string): Buffer {
  return editObject(Buffer.from(json), { [member]: JSON.stringify(value) });
}

/** Members that hold the address of a resource, wherever they stand: lists, links, embedded resources, MCP Apps. */
const URI_MEMBERS = new Set(['uri', 'uriTemplate', 'resourceUri']);

/** From the address that a server knows a resource by to the one that callers know, where they differ. */
export type Renames = Pick<ReadonlyMap<string, string>, 'size' | 'get'>;

/** Gives resources other addresses throughout a JSON text; every other byte stays as it is. */
export function rewriteUris(json: Buffer, renames: Renames): Buffer {
  if (renames.size === 0) return json;
  return replaceStrings(json, (path, value) => (URI_MEMBERS.has(path.at(-1) ?? '') ? renames.get(value) : undefined));
}

/** What a text has somewhere that has one of these members; letters of a name may also be written as `\u0075`. */
const URI_SIGNS = ['uri', 'Uri', '\\u'];

/** {@link rewriteUris} for a reply. One without any address, however large, is not parsed. */
export function rewriteReply(reply: Reply, renames: Renames): Reply {
  if (renames.size === 0 || reply.kind === 'error' || !URI_SIGNS.some((sign) => reply.bytes.includes(sign)))
    return reply;
  return { ...reply, bytes: rewriteUris(reply.bytes, renames) };
}
