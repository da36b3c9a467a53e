import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { listenOnLoopback, readBody } from './http-host.ts';

/** A server of the older revisions whose only tool asks the user for a name, and greets by it. */
export async function startAskingUpstream(): Promise<AsyncDisposable & { readonly url: string }> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      const text = await readBody(request);
      const known = transports.get(String(request.headers['mcp-session-id']));
      const transport = known ?? (await openTransport(transports));
      await transport.handleRequest(request, response, text === '' ? undefined : JSON.parse(text));
    })().catch(() => response.destroy());
  });
  return {
    url: `${host.origin}/mcp`,
    async [Symbol.asyncDispose]() {
      await host.stop();
      for (const transport of transports.values()) await transport.close();
    },
  };
}

async function openTransport(
  transports: Map<string, StreamableHTTPServerTransport>,
): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void transports.set(id, transport),
  });
  await createAskingServer().connect(transport);
  return transport;
}

function createAskingServer(): Server {
  const server = new Server({ name: 'asking', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'ask', inputSchema: { type: 'object' as const } }],
  }));
  server.setRequestHandler(CallToolRequestSchema, async (_, extra) => {
    const requestedSchema = { type: 'object' as const, properties: { name: { type: 'string' as const } } };
    const { content } = await server.elicitInput(
      { message: 'Who are you?', requestedSchema },
      { relatedRequestId: extra.requestId },
    );
    return { content: [{ type: 'text', text: `Hello, ${String(content?.['name'])}!` }] };
  });
  return server;
}
