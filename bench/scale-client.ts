import type { Pool } from 'undici';
import { CLIENT_HEADERS, describe, messageOf, post } from './exchange.ts';

/** An MCP client of revision 2026-07-28, which needs no session. */
export interface McpCaller {
  /** The text of the answer to `tools/list`. */
  list(): Promise<string>;
  call(tool: string, args: object): Promise<void>;
  search(query: string): Promise<void>;
}

const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** Calls through one pool with one credential. An answer other than a result throws. */
export function createCaller(pool: Pool, credential: string): McpCaller {
  let id = 0;
  async function ask(method: string, params: { name?: string }, more: Record<string, string> = {}): Promise<string> {
    const headers: Record<string, string> = {
      ...CLIENT_HEADERS,
      authorization: `Bearer ${credential}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(params.name === undefined ? {} : { 'mcp-name': params.name }),
      ...more,
    };
    const message = JSON.stringify({ jsonrpc: '2.0', id: (id += 1), method, params: { ...params, _meta } });
    const reply = await post({ pool, path: '/mcp', headers }, message);
    const text = messageOf(reply);
    if (reply.status !== 200 || !text.includes('"result":') || text.includes('"isError":true'))
      throw new Error(`${method} ${params.name ?? ''}: ${describe(reply)}`);
    return text;
  }
  return {
    list: () => ask('tools/list', {}),
    async call(name, args) {
      await ask('tools/call', { name, arguments: args } as { name: string });
    },
    async search(query) {
      const params = { name: 'searchTools', arguments: { query } };
      await ask('tools/call', params, { 'x-asbru-tool-mode': 'search' });
    },
  };
}

/** How many tools an answer to `tools/list` has. */
export function countTools(text: string): number {
  return (JSON.parse(text) as { result: { tools: unknown[] } }).result.tools.length;
}
