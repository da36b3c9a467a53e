import type { JsonValue, Reply } from '../lib/json-rpc.ts';
import { scanObject } from '../lib/json-scan.ts';

/** The JSON object with another value for one of its members; every other byte stays as it was. */
export function replaceMember(json: string, member: string, value: string): string {
  const bytes = Buffer.from(json);
  let from = 0;
  let to = 0;
  scanObject(bytes, (key, start, end) => {
    if (key === member) [from, to] = [start, end];
  });
  return to === 0 ? json : bytes.toString('utf8', 0, from) + value + bytes.toString('utf8', to);
}

/** The JSON object without some of its members; every other byte stays as it was. */
export function withoutMembers(bytes: Buffer, members: readonly string[]): Buffer {
  const kept: string[] = [];
  let isFound = false;
  scanObject(bytes, (key, start, end) => {
    if (members.includes(key)) isFound = true;
    else kept.push(`${JSON.stringify(key)}:${bytes.toString('utf8', start, end)}`);
  });
  return isFound ? Buffer.from(`{${kept.join(',')}}`) : bytes;
}

/** Members that hold the address of a resource, wherever they stand: lists, links, embedded resources, MCP Apps. */
const URI_MEMBERS = new Set(['uri', 'uriTemplate', 'resourceUri']);

/** From the address that a server knows a resource by to the one that callers know, where they differ. */
export type Renames = Pick<ReadonlyMap<string, string>, 'size' | 'get'>;

/** Gives resources other addresses throughout a JSON text. Without renames the text stays as it is, byte for byte. */
export function rewriteUris(json: string, renames: Renames): string {
  if (renames.size === 0) return json;
  const rewrite = (value: JsonValue | undefined): JsonValue | undefined => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => rewrite(item) ?? null);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const isUri = typeof item === 'string' && URI_MEMBERS.has(key);
        return [key, isUri ? (renames.get(item) ?? item) : rewrite(item)];
      }),
    );
  };
  return JSON.stringify(rewrite(JSON.parse(json) as JsonValue));
}

/** What a text has somewhere that has one of these members; letters of a name may also be written as `\u0075`. */
const URI_SIGNS = ['uri', 'Uri', '\\u'];

/** {@link rewriteUris} for a reply. One without any address, however large, is not parsed. */
export function rewriteReply(reply: Reply, renames: Renames): Reply {
  if (renames.size === 0 || reply.kind === 'error' || !URI_SIGNS.some((sign) => reply.bytes.includes(sign)))
    return reply;
  return { ...reply, bytes: Buffer.from(rewriteUris(reply.bytes.toString(), renames)) };
}
