import { listenOnLoopback, readBody } from './http-host.ts';

type JsonObject = Record<string, unknown>;

/** One tools/call as it came: its arguments, and the headers that a server may be routed by. */
export interface RecordedCall {
  readonly arguments: unknown;
  /** Name and value of every `Mcp-Param-…` header, names in lower case, doubled ones twice, in the order of the names. */
  readonly paramHeaders: readonly (readonly [name: string, value: string])[];
}

/** A server of the modern revision, or of an older one, that lists tools of the test's choice and records how they are called. */
export interface HeaderUpstream extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly RecordedCall[];
  /** How many calls were refused. */
  readonly refusals: number;
  tools: readonly JsonObject[];
  /** The `Mcp-Param-…` header without which a call is refused, as a server does whose tools have changed. */
  requiredHeader: string | undefined;
}

interface Message {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly arguments?: unknown };
}

const CAPABILITIES = { tools: {} };
const META = { 'io.modelcontextprotocol/serverInfo': { name: 'headers', version: '1' } };
const HEAD = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta: META };

/** Starts a bare node:http server, so that no SDK has an opinion on tool definitions and headers. */
export async function startHeaderUpstream(
  tools: readonly JsonObject[],
  era: 'modern' | 'legacy' = 'modern',
): Promise<HeaderUpstream> {
  const calls: RecordedCall[] = [];
  let refusals = 0;
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const { id, method, params } = JSON.parse(await readBody(request)) as Message;
      if (id === undefined) return void response.writeHead(202).end();
      const isRefused = upstream.requiredHeader !== undefined && request.headers[upstream.requiredHeader] === undefined;
      const call = { arguments: params?.arguments, paramHeaders: paramHeadersIn(request.rawHeaders) };
      const answer = method === 'tools/call' ? answerCall(call, isRefused) : answerTo(method);
      response.writeHead('error' in answer ? 400 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    })().catch(() => response.destroy());
  });

  function answerCall(call: RecordedCall, isRefused: boolean): JsonObject {
    if (isRefused) refusals += 1;
    else calls.push(call);
    const result = { ...(era === 'modern' ? HEAD : {}), content: [{ type: 'text', text: 'called' }] };
    return isRefused ? { error: { code: -32_020, message: 'Header mismatch' } } : { result };
  }

  function answerTo(method: string): JsonObject {
    const head = era === 'modern' ? HEAD : {};
    if (method === 'tools/list') return { result: { ...head, tools: upstream.tools } };
    if (era === 'modern' && method === 'server/discover')
      return { result: { ...head, supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES } };
    if (era === 'legacy' && method === 'initialize') {
      const serverInfo = { name: 'headers', version: '1' };
      return { result: { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, serverInfo } };
    }
    return era === 'legacy' && method === 'ping' ? { result: {} } : { error: { code: -32_601, message: 'unknown' } };
  }

  const upstream: HeaderUpstream = {
    url: `${host.origin}/mcp`,
    calls,
    get refusals() {
      return refusals;
    },
    tools,
    requiredHeader: undefined,
    [Symbol.asyncDispose]: () => host.stop(),
  };
  return upstream;
}

function paramHeadersIn(raw: readonly string[]): [string, string][] {
  const pairs = raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? '']] : [],
  );
  return pairs.filter(([name]) => name.startsWith('mcp-param-')).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
