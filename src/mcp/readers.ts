import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonRpcError, JsonValue, Reply } from '../lib/json-rpc.ts';
import type { Catalog } from './catalog.ts';
import type { ClientRequest } from './client-side.ts';
import type { Relay } from './relay/relay.ts';
import { readKept } from './results/read-result.ts';
import { RESULT_URI, type Results } from './results/results.ts';
import { rewriteReply, type Renames } from './rewrite.ts';

interface ReaderDeps {
  readonly catalog: Catalog;
  readonly relay: Relay;
  /** Large results, whose links are resources. */
  readonly results: Pick<Results, 'find'>;
  /** What a modern client is told where a legacy server says nothing of keeping. */
  readonly cacheHints: { readonly ttlMs: number; readonly cacheScope: string };
}

/** Resources and prompts: the doors beside `call-tool`. */
export interface Readers {
  readResource(uri: string, request: ClientRequest): Promise<Reply>;
  getPrompt(name: string, request: ClientRequest): Promise<Reply>;
  complete(ref: JsonValue | undefined, request: ClientRequest): Promise<Reply>;
}

/** A server's word for a resource that it does not have; -32002 up to 2025-11-25. */
const NOT_FOUND = new Set([-32002, -32602]);

export function createReaders({ catalog, relay, results, cacheHints }: ReaderDeps): Readers {
  async function readResource(uri: string, request: ClientRequest): Promise<Reply> {
    if (uri.startsWith(RESULT_URI)) return readKept(results, uri, request);
    const { resources } = catalog.view(request.audience);
    const listed = resources.find(uri);
    const candidates = listed === undefined ? resources.candidates(uri) : [listed];
    for (const [index, { upstream, own }] of candidates.entries()) {
      const reply = await relay({ upstream, name: own, replace: { uri: JSON.stringify(own) }, label: uri }, request);
      const renames = resources.renames(upstream);
      // The contents come under the address that was asked for.
      const answered: Renames =
        own === uri ? renames : { size: 1, get: (found) => (found === own ? uri : renames.get(found)) };
      if (!isNotFound(reply)) return withCacheHints(rewriteReply(reply, answered), request);
      if (index === candidates.length - 1) break;
    }
    throw notFound(uri, request);
  }

  function withCacheHints(reply: Reply, { side }: ClientRequest): Reply {
    if (side.era === 'legacy' || reply.kind === 'error' || reply.hasResultType) return reply;
    const head = `{"resultType":"complete",${JSON.stringify(cacheHints).slice(1, -1)}`;
    const rest = reply.bytes.toString().trimStart().slice(1);
    const bytes = Buffer.from(`${head}${/^\s*\}/.test(rest) ? '' : ','}${rest}`);
    return { ...reply, hasResultType: true, bytes };
  }

  async function getPrompt(name: string, request: ClientRequest): Promise<Reply> {
    const { prompts, resources } = catalog.view(request.audience);
    const entry = prompts.get(name);
    if (entry === undefined) throw new GatewayError('invalid_request', `params.name: there is no prompt "${name}"`);
    const { upstream, own } = entry;
    const reply = await relay({ upstream, name: own, replace: { name: JSON.stringify(own) }, label: name }, request);
    return rewriteReply(reply, resources.renames(upstream));
  }

  async function complete(ref: JsonValue | undefined, request: ClientRequest): Promise<Reply> {
    const { type, name, uri } = (typeof ref === 'object' && ref !== null ? ref : {}) as JsonObject;
    const { prompts, resources } = catalog.view(request.audience);
    if (type === 'ref/prompt' && typeof name === 'string') {
      const entry = prompts.get(name);
      if (entry === undefined)
        throw new GatewayError('invalid_request', `params.ref.name: there is no prompt "${name}"`);
      const replace = { ref: JSON.stringify({ ...(ref as JsonObject), name: entry.own }) };
      return relay({ upstream: entry.upstream, name: undefined, replace, label: name }, request);
    }
    if (type === 'ref/resource' && typeof uri === 'string') {
      const [owner] = [resources.find(uri), ...resources.candidates(uri)].filter((found) => found !== undefined);
      if (owner === undefined)
        throw new GatewayError('invalid_request', `params.ref.uri: there is no resource "${uri}"`);
      const replace = { ref: JSON.stringify({ ...(ref as JsonObject), uri: owner.own }) };
      return relay({ upstream: owner.upstream, name: undefined, replace, label: uri }, request);
    }
    throw new GatewayError(
      'invalid_request',
      'params.ref: must be {type: "ref/prompt", name} or {type: "ref/resource", uri}',
    );
  }

  return { readResource, getPrompt, complete };
}

function isNotFound(reply: Reply): boolean {
  if (reply.kind === 'result') return false;
  const { code } = JSON.parse(reply.bytes.toString()) as JsonRpcError;
  return NOT_FOUND.has(code);
}

/** Each era has its own code for this (SEP-2164). */
function notFound(uri: string, { side }: ClientRequest): GatewayError {
  const code = side.era === 'legacy' ? 'resource_not_found_legacy' : 'resource_not_found';
  return new GatewayError(code, `there is no resource "${uri}"`, { details: { uri } });
}
