import type { ServerResponse } from 'node:http';
import { listenOnLoopback, readBody } from './http-host.ts';

/** An upstream that answers tools/call, prompts/get and resources/read with JSON text of the test's choice, byte for byte. */
export interface RawUpstream extends AsyncDisposable {
  readonly url: string;
  /** The JSON text of the next results; a function makes it from the arguments. */
  resultText: string | ((input: unknown) => string);
  /** The JSON text of the next errors, instead of results. */
  errorText: string | undefined;
  /** The next answers are this status with this body, no JSON-RPC. */
  refusal: readonly [status: number, body: string] | undefined;
  answersAs: 'json' | 'sse';
  /** The arguments of the last tools/call. */
  lastArguments: unknown;
}

interface Message {
  id?: number | string;
  method: string;
  params?: { arguments?: unknown };
}

const capabilities = { tools: {}, prompts: {}, resources: {} };
const LEGACY = { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'raw', version: '1' } };
const MODERN = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities };
const LISTS: Readonly<Record<string, object>> = {
  ping: {},
  'tools/list': { tools: [{ name: 'any', inputSchema: { type: 'object' } }] },
  'prompts/list': { prompts: [{ name: 'any' }] },
  'resources/list': { resources: [{ uri: 'raw:any', name: 'any' }] },
  'resources/templates/list': { resourceTemplates: [] },
};
const FREE = ['tools/call', 'prompts/get', 'resources/read'];

/** Starts a bare node:http server that speaks just enough MCP to be listed and called; no SDK touches its answers. */
export async function startRawUpstream(era: 'legacy' | 'modern' = 'legacy'): Promise<RawUpstream> {
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const message = JSON.parse(await readBody(request)) as Message;
      const { id, method } = message;
      if (method === 'tools/call') upstream.lastArguments = message.params?.arguments;
      if (upstream.refusal !== undefined && FREE.includes(method))
        return void response.writeHead(upstream.refusal[0]).end(upstream.refusal[1]);
      if (id === undefined) return void response.writeHead(202).end();
      const answer = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${answerTo(message)}}`;
      return write(response, answer, FREE.includes(method) ? upstream.answersAs : 'json');
    })().catch(() => response.destroy());
  });

  function answerTo({ method, params }: Message): string {
    const { resultText, errorText } = upstream;
    if (FREE.includes(method) && errorText !== undefined) return `"error":${errorText}`;
    if (FREE.includes(method))
      return `"result":${typeof resultText === 'string' ? resultText : resultText(params?.arguments)}`;
    const [opening, handshake] = era === 'legacy' ? ['initialize', LEGACY] : ['server/discover', MODERN];
    const result = method === opening ? handshake : LISTS[method];
    return result === undefined
      ? '"error":{"code":-32601,"message":"unknown method"}'
      : `"result":${JSON.stringify(result)}`;
  }

  const upstream: RawUpstream = {
    url: `${host.origin}/mcp`,
    resultText: '{"content":[]}',
    errorText: undefined,
    refusal: undefined,
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
