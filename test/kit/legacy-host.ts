import { randomUUID } from 'node:crypto';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { listenOnLoopback, readBody } from './http-host.ts';

/** Any legacy SDK server over Streamable HTTP with sessions. */
export interface LegacyHost extends AsyncDisposable {
  readonly url: string;
  /** The open sessions, oldest first. */
  readonly servers: readonly Server[];
  /** JSON-RPC methods in the order they arrived. */
  readonly methods: readonly string[];
  /** Drops every session without a word: the next request with an old session id gets 404. */
  forgetSessions(): void;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Serves one SDK server (v1) per session on a free loopback port. */
export async function serveLegacy(create: () => Server): Promise<LegacyHost> {
  const sessions = new Map<string, { transport: StreamableHTTPServerTransport; server: Server }>();
  const methods: string[] = [];

  async function open(): Promise<StreamableHTTPServerTransport> {
    const server = create();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { transport, server }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  }

  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      const text = await readBody(request);
      const body = text === '' ? undefined : (JSON.parse(text) as { method?: string });
      if (body?.method !== undefined) methods.push(body.method);
      const id = request.headers['mcp-session-id'];
      const known = sessions.get(String(id))?.transport;
      if (known === undefined && id !== undefined) return void response.writeHead(404).end();
      await (known ?? (await open())).handleRequest(request, response, body);
    })().catch(() => response.destroy());
  });

  async function stop(): Promise<void> {
    const open = [...sessions.values()];
    sessions.clear();
    await host.stop();
    await Promise.allSettled(open.map(({ transport }) => transport.close()));
  }

  return {
    url: `${host.origin}/mcp`,
    get servers() {
      return [...sessions.values()].map(({ server }) => server);
    },
    methods,
    forgetSessions: () => sessions.clear(),
    stop,
    async restart() {
      await stop();
      await host.restart();
    },
    [Symbol.asyncDispose]: stop,
  };
}
