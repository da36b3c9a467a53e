import { createMcpHandler, type McpHttpHandler, type McpServer, type Server } from '@modelcontextprotocol/server';
import { listenOnLoopback, readBody } from './http-host.ts';

/** Any modern SDK server over HTTP. */
export interface ModernHost extends AsyncDisposable {
  readonly url: string;
  /** JSON-RPC methods in the order they arrived. */
  readonly methods: readonly string[];
  /** How many requests were given up by closing their stream. */
  readonly abandoned: number;
  /** Announces changes to those who listen. */
  readonly notify: McpHttpHandler['notify'];
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Serves one SDK server (v2) per request on a free loopback port; it speaks 2026-07-28 and nothing older. */
export async function serveModern(create: () => Server | McpServer): Promise<ModernHost> {
  const methods: string[] = [];
  let abandoned = 0;
  const handler = createMcpHandler(create, { legacy: 'reject' });
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      const body = await readBody(request);
      if (body !== '') methods.push((JSON.parse(body) as { method: string }).method);
      const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]);
      const abort = new AbortController();
      response.once('close', () => {
        if (!response.writableFinished) abandoned += 1;
        abort.abort();
      });
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
    get abandoned() {
      return abandoned;
    },
    notify: handler.notify,
    stop: () => host.stop(),
    restart: () => host.restart(),
    async [Symbol.asyncDispose]() {
      await handler.close();
      await host.stop();
    },
  };
}
