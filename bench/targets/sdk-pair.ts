/**
 * A gateway of the official SDK's own parts: its server towards the callers, its client, one connection for all, towards the upstream.
 * Of the SDK's ways to serve, sessions with JSON answers cost least: `createMcpHandler`, which builds a server per request, took 10 to 20 % more.
 */
import { randomUUID } from 'node:crypto';
import { getRequestListener } from '@hono/node-server';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { serve } from './serve.ts';

const client = new Client({ name: 'bench-sdk-pair', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2] ?? '')));

const transports = new Map<string, WebStandardStreamableHTTPServerTransport>();

const listener = getRequestListener(handle);
serve((incoming, outgoing) => void listener(incoming, outgoing));

async function handle(request: Request): Promise<Response> {
  const id = request.headers.get('mcp-session-id');
  if (id === null) return (await openSession()).handleRequest(request);
  const transport = transports.get(id);
  return transport === undefined ? new Response(null, { status: 404 }) : transport.handleRequest(request);
}

async function openSession(): Promise<WebStandardStreamableHTTPServerTransport> {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => void transports.set(id, transport),
    onsessionclosed: (id) => void transports.delete(id),
  });
  await createForwardingServer().connect(transport);
  return transport;
}

function createForwardingServer(): Server {
  const server = new Server({ name: 'bench-sdk-pair', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => client.listTools());
  server.setRequestHandler('tools/call', (request) => client.callTool(request.params));
  return server;
}
