import { Server, type McpServer } from '@modelcontextprotocol/server';
import { serveModern } from './modern-host.ts';

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
export function startModernUpstream(create: () => Server | McpServer = createToolServer): Promise<ModernUpstream> {
  return serveModern(create);
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
