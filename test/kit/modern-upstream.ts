import { createMcpHandler, Server, type McpServer } from '@modelcontextprotocol/server';
import { listenOnLoopback, readBody } from './http-host.ts';

/** A server of the modern revision only: no sessions, no initialize. */
export interface ModernUpstream extends AsyncDisposable {
  readonly url: string;
  /** JSON-RPC methods in the order they arrived. */
  readonly methods: readonly string[];
}

const TOOLS = [
  {
    name: 'echo',
    description: 'Says the same',
    inputSchema: { type: 'object' as const, properties: { text: { type: 'string' } } },
  },
  {
    name: 'fail',
    description: 'Answers with an error result',
    inputSchema: { type: 'object' as const, properties: {} },
  },
];

/** Starts a server that speaks 2026-07-28 and nothing older, made with the official SDK (v2). */
export async function startModernUpstream(
  create: () => Server | McpServer = createToolServer,
): Promise<ModernUpstream> {
  const methods: string[] = [];
  const handler = createMcpHandler(create, { legacy: 'reject' });
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      const body = await readBody(request);
      if (body !== '') methods.push((JSON.parse(body) as { method: string }).method);
      const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]);
      const abort = new AbortController();
      response.once('close', () => abort.abort());
      const init = { method: request.method ?? 'GET', headers, signal: abort.signal, ...(body === '' ? {} : { body }) };
      const answer = await handler.fetch(new Request(`${host.origin}/mcp`, init));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      for await (const chunk of answer.body ?? []) response.write(chunk);
      response.end();
    })().catch(() => response.destroy());
  });
  return {
    url: `${host.origin}/mcp`,
    methods,
    async [Symbol.asyncDispose]() {
      await handler.close();
      await host.stop();
    },
  };
}

function createToolServer(): Server {
  const server = new Server({ name: 'modern', version: '1.0.0' }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler('tools/list', () => ({ tools: TOOLS }));
  server.setRequestHandler('tools/call', ({ params }) => {
    const words = params.name === 'fail' ? 'it went wrong' : String(params.arguments?.['text']);
    return { content: [{ type: 'text', text: words }], isError: params.name === 'fail' };
  });
  return server;
}
