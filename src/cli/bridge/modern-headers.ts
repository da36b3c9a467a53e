import { encodeHeader } from '../../lib/header-value.ts';

/** Where a request of 2026-07-28 says which revision it speaks. */
export const META_VERSION = 'io.modelcontextprotocol/protocolVersion';

/** The member of `params` that `Mcp-Name` repeats (Transports, standard request headers). */
export const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** The headers that repeat the body of a modern request, so that routers on the way need not read it. */
export function modernHeaders(version: string, method: string, name: string | undefined): string[] {
  const headers = ['mcp-protocol-version', encodeHeader(version), 'mcp-method', encodeHeader(method)];
  if (name !== undefined) headers.push('mcp-name', encodeHeader(name));
  return headers;
}
