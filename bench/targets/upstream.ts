/**
 * The fast MCP server behind every target: Streamable HTTP of revision 2025-11-25, with sessions, answers as plain JSON.
 * `/mcp` offers one tool, `/mcp/N` offers N. `/pages` offers one with large results, on event streams.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Message } from './answer.ts';
import { answer } from './answer.ts';
import { readBody, serve } from './serve.ts';
import { listTools, PAGE_TOOL } from './tools.ts';

const PAGES = '/pages';
const sessions = new Set<string>();
const lists = new Map<string, string>();

serve((request, response) => {
  const session = request.headers['mcp-session-id'];
  if (request.method === 'DELETE') {
    const isKnown = typeof session === 'string' && sessions.delete(session);
    response.writeHead(isKnown ? 204 : 404).end();
    return;
  }
  if (request.method !== 'POST') {
    response.writeHead(405, { allow: 'POST, DELETE' }).end();
    return;
  }
  readBody(request, (body) => {
    const message = JSON.parse(body.toString()) as Message;
    if (message.method === 'initialize') {
      const id = randomUUID();
      sessions.add(id);
      send(response, 200, answer(message, '[]'), id);
    } else if (typeof session !== 'string') {
      send(response, 400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Mcp-Session-Id is missing"}}');
    } else if (!sessions.has(session)) {
      send(response, 404, '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
    } else if (message.id === undefined) {
      response.writeHead(202).end();
    } else {
      const body = answer(message, message.method === 'tools/list' ? toolsOf(request.url ?? '') : '[]');
      if (request.url === PAGES) response.writeHead(200, { 'content-type': 'text/event-stream' }).end(asEvent(body));
      else send(response, 200, body);
    }
  });
});

function send(response: ServerResponse, status: number, body: string, session?: string): void {
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  if (session !== undefined) headers['mcp-session-id'] = session;
  response.writeHead(status, headers).end(body);
}

function asEvent(body: string): string {
  return `event: message\ndata: ${body}\n\n`;
}

function toolsOf(path: string): string {
  if (path === PAGES) return JSON.stringify([PAGE_TOOL]);
  let list = lists.get(path);
  if (list === undefined) {
    list = JSON.stringify(listTools(Number(path.split('/')[2] ?? 1)));
    lists.set(path, list);
  }
  return list;
}
