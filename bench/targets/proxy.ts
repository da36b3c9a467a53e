/**
 * The yardstick: the least that any HTTP gateway must do. Reads the request, sends it on with undici, returns status, body and
 * the headers without which MCP does not work. No JSON is read, no right is checked, nothing is counted.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { readBody, serve } from './serve.ts';

const pool = new Pool(process.argv[2] ?? '');

serve((request, response) => {
  readBody(request, (body) => {
    forward(request, body, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(502).end();
    });
  });
});

async function forward(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
  const method = request.method === 'DELETE' ? 'DELETE' : 'POST';
  const reply = await pool.request({
    path: request.url ?? '/',
    method,
    headers: headersToForward(request.headers),
    body,
  });
  const bytes = await reply.body.bytes();
  const headers: Record<string, string | number> = { 'content-length': bytes.length };
  const type = reply.headers['content-type'];
  if (typeof type === 'string') headers['content-type'] = type;
  const session = reply.headers['mcp-session-id'];
  if (typeof session === 'string') headers['mcp-session-id'] = session;
  response.writeHead(reply.statusCode, headers).end(bytes);
}

function headersToForward(headers: IncomingHttpHeaders): Record<string, string> {
  const forward: Record<string, string> = {};
  for (const name of ['content-type', 'accept', 'mcp-session-id', 'mcp-protocol-version']) {
    const value = headers[name];
    if (typeof value === 'string') forward[name] = value;
  }
  return forward;
}
