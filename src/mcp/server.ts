import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, Reply } from '../lib/json-rpc.ts';
import type { CallTool } from './call-tool.ts';
import type { Catalog } from './catalog.ts';
import type { ClientRequest } from './client-side.ts';
import { describeGateway } from './describe.ts';
import { askingCaller } from './personal/ask-caller.ts';
import { createReaders } from './readers.ts';
import type { Relay } from './relay/relay.ts';
import { createRenderedLists } from './rendered-lists.ts';
import type { Results } from './results/results.ts';
import { chooseLegacyVersion, META, SUPPORTED_VERSIONS, type Era } from './revisions.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Tasks } from './tasks.ts';
import type { Lists } from './view.ts';

interface ServerDeps {
  readonly catalog: Catalog;
  readonly callTool: CallTool;
  readonly relay: Relay;
  readonly subscriptions: Subscriptions;
  readonly tasks: Tasks;
  readonly results: Pick<Results, 'find'>;
  readonly version: string;
}

/** The gateway as an MCP server. */
export interface McpServer {
  /** Answers one request. `params` are the parsed params of the request. */
  handle(request: ClientRequest, params: JsonObject): Reply | Promise<Reply>;
}

type Handler = (request: ClientRequest, params: JsonObject) => Reply | Promise<Reply>;

/** How long a modern client may keep an answer, in ms. Settings change live, so not at all without listening for changes. */
const TTL_MS = 0;

/** The table of MCP methods. */
export function createMcpServer(deps: ServerDeps): McpServer {
  const { catalog, callTool, relay, subscriptions, tasks, results, version } = deps;
  const serverInfo = { name: 'asbru', title: 'Asbru MCP gateway', version };
  const modernHead = { resultType: 'complete', _meta: { [META.serverInfo]: serverInfo } };
  const cacheHints = { ttlMs: TTL_MS, cacheScope: 'private' };
  const rendered = createRenderedLists();
  const { readResource, getPrompt, complete } = createReaders({ catalog, relay, results, cacheHints });

  const legacy: Readonly<Record<string, Handler>> = {
    initialize: ({ audience }, { protocolVersion }) =>
      json({
        protocolVersion: chooseLegacyVersion(protocolVersion),
        serverInfo,
        ...describeGateway(catalog.view(audience), 'legacy'),
      }),
    ping: () => json({}),
    'logging/setLevel': async (request, { level }) => {
      await subscriptions.setLogLevel(sessionKeyOf(request), level);
      return json({});
    },
    'resources/subscribe': async (request, { uri }) => {
      await subscriptions.subscribe(sessionKeyOf(request), uriOf(uri));
      return json({});
    },
    'tasks/list': (request) => tasks.list(request),
    'tasks/result': (request, { taskId }) => tasks.handle(taskId, request),
    'resources/unsubscribe': async (request, { uri }) => {
      await subscriptions.unsubscribe(sessionKeyOf(request), uriOf(uri));
      return json({});
    },
  };
  const modern: Readonly<Record<string, Handler>> = {
    'tasks/update': (request, { taskId }) => tasks.handle(taskId, request),
    'server/discover': ({ audience }) =>
      json({
        ...modernHead,
        supportedVersions: SUPPORTED_VERSIONS,
        ...describeGateway(catalog.view(audience), 'modern'),
        ...cacheHints,
      }),
  };
  const both: Readonly<Record<string, Handler>> = {
    'tools/call': (request, { name }) => askingCaller(request, (asked) => callTool(nameOf(name), asked)),
    'prompts/get': (request, { name }) => askingCaller(request, (asked) => getPrompt(nameOf(name), asked)),
    'resources/read': (request, { uri }) => askingCaller(request, (asked) => readResource(uriOf(uri), asked)),
    'tasks/get': (request, { taskId }) => tasks.handle(taskId, request),
    'tasks/cancel': (request, { taskId }) => tasks.handle(taskId, request),
    'completion/complete': (request, { ref }) => complete(ref, request),
    'tools/list': (request, params) => list('tools', request, params),
    'prompts/list': (request, params) => list('prompts', request, params),
    'resources/list': (request, params) => list('resources', request, params),
    'resources/templates/list': (request, params) => list('resourceTemplates', request, params),
  };

  function list(kind: keyof Lists, { side, audience }: ClientRequest, { cursor }: JsonObject): Reply {
    if (cursor !== undefined)
      throw new GatewayError('invalid_request', 'cursor: the list has one page, so no cursor was given out');
    const view = catalog.view(audience);
    const bytes = rendered.get(view, kind, side.era, (stale) => renderList(view.lists[kind], stale, side.era));
    // A long list must not be searched for what it does not have.
    return { kind: 'result', bytes, isError: false, hasResultType: side.era === 'modern' };
  }

  function renderList(list: Buffer, gone: readonly string[], era: Era): Buffer {
    // Callers can tell that some items are only remembered: their servers are not connected.
    const stale = gone.length === 0 ? {} : { 'asbru/stale': gone };
    const legacyHead = gone.length === 0 ? {} : { _meta: stale };
    const head =
      era === 'modern' ? { ...modernHead, _meta: { ...modernHead._meta, ...stale }, ...cacheHints } : legacyHead;
    const inside = JSON.stringify(head).slice(1, -1);
    return Buffer.concat([Buffer.from(`{${inside}${inside === '' ? '' : ','}`), list, Buffer.from('}')]);
  }

  const handlers = {
    legacy: new Map(Object.entries({ ...both, ...legacy })),
    modern: new Map(Object.entries({ ...both, ...modern })),
  };

  function answer(request: ClientRequest, params: JsonObject): Reply | Promise<Reply> {
    const { method, side } = request;
    const handler = handlers[side.era].get(method);
    if (handler === undefined) throw new GatewayError('method_not_found', `method not found: ${method}`);
    return handler(request, params);
  }

  return {
    handle(request, params) {
      if (request.side.profile === undefined) return answer(request, params);
      return catalog.prepare(request.audience).then(() => answer(request, params));
    },
  };
}

function json(value: object): Reply {
  const bytes = Buffer.from(JSON.stringify(value));
  return { kind: 'result', bytes, isError: false, hasResultType: Object.hasOwn(value, 'resultType') };
}

function nameOf(name: unknown): string {
  if (typeof name !== 'string') throw new GatewayError('invalid_request', 'params.name: must be a string');
  return name;
}

function uriOf(uri: unknown): string {
  if (typeof uri !== 'string' || uri === '') throw new GatewayError('invalid_request', 'params.uri: must be a URI');
  return uri;
}

function sessionKeyOf({ side }: ClientRequest): string {
  if (side.sessionKey === undefined)
    throw new GatewayError('invalid_request', 'needs a session: initialize and send its Mcp-Session-Id');
  return side.sessionKey;
}
