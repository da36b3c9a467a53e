import type { ServerResponse } from 'node:http';
import { listenOnLoopback, readBody } from './http-host.ts';

/** An upstream that answers tools/call with JSON text of the test's choice, byte for byte. */
export interface RawUpstream extends AsyncDisposable {
  readonly url: string;
  /** The JSON text of the next results of tools/call; a function makes it from the arguments. */
  resultText: string | ((input: unknown) => string);
  answersAs: 'json' | 'sse';
  /** The arguments of the last tools/call. */
  lastArguments: unknown;
}

interface Message {
  id?: number | string;
  method: string;
  params?: { arguments?: unknown };
}

const HANDSHAKE = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'raw', version: '1' },
};
const TOOLS = { tools: [{ name: 'any', inputSchema: { type: 'object' } }] };

/** Starts a bare node:http server that speaks just enough MCP to be listed and called; no SDK touches its answers. */
export async function startRawUpstream(): Promise<RawUpstream> {
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const message = JSON.parse(await readBody(request)) as Message;
      const { id, method } = message;
      if (method === 'tools/call') upstream.lastArguments = message.params?.arguments;
      if (id === undefined) return void response.writeHead(202).end();
      const answer = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${answerTo(message)}}`;
      return write(response, answer, method === 'tools/call' ? upstream.answersAs : 'json');
    })().catch(() => response.destroy());
  });

  function answerTo({ method, params }: Message): string {
    const { resultText } = upstream;
    if (method === 'initialize') return `"result":${JSON.stringify(HANDSHAKE)}`;
    if (method === 'ping') return '"result":{}';
    if (method === 'tools/list') return `"result":${JSON.stringify(TOOLS)}`;
    if (method === 'tools/call')
      return `"result":${typeof resultText === 'string' ? resultText : resultText(params?.arguments)}`;
    return '"error":{"code":-32601,"message":"unknown method"}';
  }

  const upstream: RawUpstream = {
    url: `${host.origin}/mcp`,
    resultText: '{"content":[]}',
    answersAs: 'json',
    lastArguments: undefined,
    [Symbol.asyncDispose]: () => host.stop(),
  };
  return upstream;
}

function write(response: ServerResponse, answer: string, as: 'json' | 'sse'): void {
  response.setHeader('content-type', as === 'json' ? 'application/json' : 'text/event-stream');
  response.end(as === 'json' ? answer : `event: message\ndata: ${answer}\n\n`);
}
