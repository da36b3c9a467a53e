import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { listenOnLoopback, readBody, type HostTls, type HttpHost } from './http-host.ts';
import { addTool, createToolHost, createToolServer, removeTool, type ToolHost } from './tool-server.ts';

/** How a test upstream starts. */
export interface UpstreamOptions {
  /** Answers as one JSON document instead of an event stream. */
  readonly answersJson?: boolean;
  readonly tls?: HostTls;
  /** Any free one unless said. */
  readonly port?: number;
  /** Demands this header with this value; 401 otherwise. */
  readonly requiredHeader?: readonly [name: string, value: string];
  readonly refusesPing?: boolean;
  /** Looks at every request first; false when it has answered it. */
  readonly guard?: Guard;
}

/** Decides about a request before the server sees it. */
export type Guard = (request: IncomingMessage, response: ServerResponse, body: unknown) => Promise<boolean>;

/** One HTTP request that reached a test upstream. */
export interface SeenRequest {
  readonly httpMethod: string;
  readonly rpcMethod: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A real MCP server on a free loopback port, with switches for misbehaviour and a record of what it saw. */
export interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly host: ToolHost;
  readonly requests: readonly SeenRequest[];
  readonly sessionCount: number;
  requiredHeader: readonly [name: string, value: string] | undefined;
  /** Lets in only requests with headers like these; 401 otherwise. */
  admits: ((headers: SeenRequest['headers']) => boolean) | undefined;
  /** Milliseconds that every answer waits. */
  delayMs: number;
  /** Calls of this tool, or all calls. */
  countCalls(tool?: string): number;
  /** One without arguments, unless a schema says which. */
  addTool(name: string, inputSchema?: Record<string, unknown>): Promise<void>;
  removeTool(name: string): Promise<void>;
  /** Drops every session without closing a connection: the next request with an old session id gets 404. */
  forgetSessions(): void;
  /** Ends every open event stream of the server. */
  stop(): Promise<void>;
  restart(): Promise<void>;
}

type Handle = (request: IncomingMessage, response: ServerResponse, body: unknown) => Promise<void>;

interface Sessions {
  readonly transports: Map<string, Transport>;
  readonly handle: Handle;
}

/** Starts a Streamable HTTP server with sessions, made with the official SDK. */
export function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  return start('/mcp', options, (host) => streamableSessions(host, options.answersJson === true));
}

/** Starts a server of the older HTTP+SSE transport (2024-11-05), made with the official SDK. */
export function startSseUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  return start('/sse', options, sseSessions);
}

function streamableSessions(host: ToolHost, enableJsonResponse: boolean): Sessions {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const handle: Handle = async (request, response, body) => {
    const id = request.headers['mcp-session-id'];
    let transport = transports.get(String(id));
    if (transport === undefined && id !== undefined) return reply(response, 404, 'Session not found');
    if (transport === undefined) {
      const fresh = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        enableJsonResponse,
        onsessioninitialized: (id) => void transports.set(id, fresh),
        onsessionclosed: (id) => void transports.delete(id),
      });
      await createToolServer(host).connect(fresh);
      transport = fresh;
    }
    await transport.handleRequest(request, response, body);
  };
  return { transports: transports, handle };
}

function sseSessions(host: ToolHost): Sessions {
  const transports = new Map<string, SSEServerTransport>();
  const handle: Handle = async (request, response, body) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'GET' && url.pathname === '/sse') {
      const transport = new SSEServerTransport('/messages', response);
      transports.set(transport.sessionId, transport);
      await createToolServer(host).connect(transport);
      response.once('close', () => transports.delete(transport.sessionId));
      return;
    }
    if (request.method !== 'POST' || url.pathname !== '/messages') return reply(response, 405, 'not here');
    const transport = transports.get(url.searchParams.get('sessionId') ?? '');
    if (transport === undefined) return reply(response, 404, 'Session not found');
    await transport.handlePostMessage(request, response, body);
  };
  return { transports: transports, handle };
}

async function start(path: string, options: UpstreamOptions, open: (host: ToolHost) => Sessions): Promise<Upstream> {
  const host = createToolHost();
  host.refusesPing = options.refusesPing ?? false;
  const sessions = open(host);
  const requests: SeenRequest[] = [];
  const listener = await listenOnLoopback(
    (request, response) => {
      void serve(request, response).catch(() => response.destroy());
    },
    options.tls,
    options.port,
  );

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request);
    const body = text === '' ? undefined : (JSON.parse(text) as { method?: string });
    requests.push({ httpMethod: request.method ?? '', rpcMethod: body?.method, headers: request.headers });
    if (upstream.delayMs > 0) await sleep(upstream.delayMs);
    const [name, value] = upstream.requiredHeader ?? [];
    if (name !== undefined && request.headers[name.toLowerCase()] !== value)
      return reply(response, 401, `${name}, please`);
    if (options.guard !== undefined && !(await options.guard(request, response, body))) return;
    if (upstream.admits?.(request.headers) === false)
      return reply(response, 401, `not with ${JSON.stringify(request.headers)}`);
    await sessions.handle(request, response, body);
  }

  const upstream = createControls(`${listener.origin}${path}`, host, { listener, sessions, requests });
  upstream.requiredHeader = options.requiredHeader;
  return upstream;
}

interface Parts {
  readonly listener: HttpHost;
  readonly sessions: Sessions;
  readonly requests: SeenRequest[];
}

function createControls(url: string, host: ToolHost, { listener, sessions, requests }: Parts): Upstream {
  async function stop(): Promise<void> {
    const open = [...sessions.transports.values()];
    sessions.transports.clear();
    await listener.stop();
    await Promise.allSettled(open.map((transport) => transport.close()));
  }
  return {
    url,
    host,
    requests,
    requiredHeader: undefined,
    admits: undefined,
    delayMs: 0,
    get sessionCount() {
      return sessions.transports.size;
    },
    countCalls: (tool) => host.calls.filter(({ name }) => tool === undefined || name === tool).length,
    addTool: (name, inputSchema) => addTool(host, name, inputSchema),
    removeTool: (name) => removeTool(host, name),
    forgetSessions: () => sessions.transports.clear(),
    stop,
    async restart() {
      await stop();
      await listener.restart();
    },
    [Symbol.asyncDispose]: stop,
  };
}

function reply(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32_000, message } }));
}
