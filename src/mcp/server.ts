import { GatewayError } from '../lib/errors.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import type { Catalog, View } from './catalog.ts';
import { chooseLegacyVersion, LEGACY_VERSIONS, MODERN_VERSION } from './negotiate.ts';

/** The two ways of MCP: with a handshake and sessions (up to 2025-11-25), and stateless (2026-07-28). */
export type Era = 'legacy' | 'modern';

interface ServerDeps {
  readonly catalog: Catalog;
  readonly version: string;
}

/** The MCP methods that the gateway answers itself; each gives the bytes of a `result`. Calls of tools go elsewhere. */
export interface McpServer {
  answer(method: string, params: JsonObject, era: Era): Buffer;
}

/** How long a modern client may keep a list, in ms. Settings change live, so not at all until it can listen for changes. */
const LIST_TTL_MS = 0;

export function createMcpServer({ catalog, version }: ServerDeps): McpServer {
  const serverInfo = { name: 'asbru', title: 'Asbru MCP gateway', version };
  const capabilities = { tools: { listChanged: true } };
  const modernHead = { resultType: 'complete', _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo } };
  /** Rendered once per view; a view is replaced, never changed. */
  const lists: Record<Era, WeakMap<View, Buffer>> = { legacy: new WeakMap(), modern: new WeakMap() };

  function initialize(params: JsonObject): Buffer {
    return json({ protocolVersion: chooseLegacyVersion(params.protocolVersion), capabilities, serverInfo });
  }

  function discover(): Buffer {
    return json({
      ...modernHead,
      supportedVersions: [MODERN_VERSION, ...LEGACY_VERSIONS],
      capabilities: { tools: {} },
      ttlMs: LIST_TTL_MS,
      cacheScope: 'private',
    });
  }

  function listTools(params: JsonObject, era: Era): Buffer {
    if (params.cursor !== undefined)
      throw new GatewayError('invalid_request', 'cursor: the list has one page, so no cursor was given out');
    const view = catalog.view();
    let list = lists[era].get(view);
    if (list === undefined) {
      list = renderList(view, era);
      lists[era].set(view, list);
    }
    return list;
  }

  function renderList(view: View, era: Era): Buffer {
    // Callers can tell that some tools are only remembered: their servers are not connected.
    const stale = view.stale.length === 0 ? {} : { 'asbru/stale': view.stale };
    const head =
      era === 'modern'
        ? { ...modernHead, _meta: { ...modernHead._meta, ...stale }, ttlMs: LIST_TTL_MS, cacheScope: 'private' }
        : view.stale.length === 0
          ? {}
          : { _meta: stale };
    const inside = JSON.stringify(head).slice(1, -1);
    return Buffer.concat([Buffer.from(`{${inside}${inside === '' ? '' : ','}`), view.toolsMember, Buffer.from('}')]);
  }

  return {
    answer(method, params, era) {
      if (method === 'tools/list') return listTools(params, era);
      if (era === 'legacy' && method === 'initialize') return initialize(params);
      if (era === 'legacy' && method === 'ping') return json({});
      if (era === 'modern' && method === 'server/discover') return discover();
      throw new GatewayError('method_not_found', `method not found: ${method}`);
    },
  };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
