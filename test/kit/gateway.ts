import { randomBytes } from 'node:crypto';
import { createGateway, type GatewayOptions } from '../../src/app.ts';
import { createLogger } from '../../src/lib/logger.ts';
import type { McpClientList, McpClientView } from '../../src/contract/mcp-client.ts';
import { NODE_COUNT } from './node-count.ts';
import { requestHeaders, type HeaderChanges } from './wire.ts';

type JsonObject = Record<string, unknown>;

/** An answer of the management or inference API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // Tests read freely into the body; every scenario checks what it reads.
  readonly body: JsonObject;
}

/** Access to a gateway over HTTP, wherever it runs. */
export interface GatewayAccess {
  readonly address: string;
  readonly apiKey: string;
  /** One request with the admin key. A string body goes out as it is; an empty header value removes that header. */
  api(method: string, path: string, body?: unknown, headers?: HeaderChanges): Promise<ApiAnswer>;
  /** Registers a server, which must succeed, and gives its client_id. */
  createClient(body: JsonObject): Promise<string>;
  getClient(id: string): Promise<McpClientView>;
  listClients(): Promise<McpClientView[]>;
  /** Sends a PUT of this client. */
  update(id: string, body: unknown): Promise<ApiAnswer>;
  /** Calls a tool through `POST /v1/mcp/tool/execute`. */
  execute(tool: string, args?: JsonObject, headers?: HeaderChanges): Promise<ApiAnswer>;
}

/** A whole gateway on a free port. */
export interface TestGateway extends GatewayAccess, AsyncDisposable {
  /** Settles when every stored server had its first chance to connect. */
  readonly ready: Promise<unknown>;
  close(): Promise<void>;
}

/** A key that the first start of a gateway may be given. */
export function randomApiKey(): string {
  return `bfst-${randomBytes(24).toString('hex')}`;
}

/** Starts a gateway on a free loopback port; without `appDir` all it stores is in memory. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  if (isCluster(options)) {
    // Not everything that starts a gateway has what a cluster needs.
    const { startCluster } = await import('./cluster.ts');
    return startCluster(NODE_COUNT, options);
  }
  const apiKey = options.apiKey ?? randomApiKey();
  const gateway = await createGateway({ ...QUIET, ...options, apiKey });
  return {
    ...accessGateway(gateway.address, apiKey),
    ready: gateway.ready,
    close: () => gateway.close(),
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

/** What a test gateway starts with unless it is told otherwise. */
export const QUIET = { host: '127.0.0.1', port: 0, logger: createLogger({ level: 'silent', style: 'json' }) } as const;

/** A test that says where things are stored, or how it is reached, means one gateway. */
function isCluster({ appDir, config, port }: GatewayOptions): boolean {
  return NODE_COUNT > 1 && appDir === undefined && port === undefined && !('config_store' in (config ?? {}));
}

/** The HTTP side of a gateway that runs at this address. */
export function accessGateway(address: string, apiKey: string): GatewayAccess {
  async function api(method: string, path: string, body?: unknown, headers: HeaderChanges = {}): Promise<ApiAnswer> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${address}${path}`, {
      method,
      headers: requestHeaders({ address, apiKey }, headers),
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true && answer !== '';
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(answer) : { text: answer } };
  }

  async function listClients(): Promise<McpClientView[]> {
    const { status, body } = await api('GET', '/api/mcp/clients');
    if (status !== 200) throw new Error(`list: ${status} ${JSON.stringify(body)}`);
    return (body as unknown as McpClientList).clients;
  }

  return {
    address,
    apiKey,
    api,
    listClients,
    async createClient(body) {
      const { status, body: answer } = await api('POST', '/api/mcp/client', body);
      if (status !== 200) throw new Error(`create: ${status} ${JSON.stringify(answer)}`);
      const created = (await listClients()).find(({ config }) => config.name === body['name']);
      if (created === undefined) throw new Error(`${String(body['name'])} was created but is not listed`);
      return created.config.client_id;
    },
    async getClient(id) {
      const found = (await listClients()).find(({ config }) => config.client_id === id);
      if (found === undefined) throw new Error(`no client ${id}`);
      return found;
    },
    update: (id, body) => api('PUT', `/api/mcp/client/${id}`, body),
    execute(tool, args = {}, headers = {}) {
      const call = { id: 'call_1', type: 'function', function: { name: tool, arguments: JSON.stringify(args) } };
      return api('POST', '/v1/mcp/tool/execute', call, headers);
    },
  };
}

/** What an http client record needs: the rest of the body of a create. */
export function httpClient(url: string, more: JsonObject = {}): JsonObject {
  return { name: 'c1', connection_type: 'http', connection_string: url, tools_to_execute: ['*'], ...more };
}

/** The message of an error answer, after checking that the answer is the envelope of §2.2. */
export function messageIn({ status, body }: ApiAnswer): string {
  const error = body['error'] as { message?: unknown } | undefined;
  if (typeof error?.message !== 'string') throw new Error(`no error envelope: ${status} ${JSON.stringify(body)}`);
  if (body['status_code'] !== status) throw new Error(`status_code ${String(body['status_code'])} in a ${status}`);
  if (typeof body['is_bifrost_error'] !== 'boolean' || typeof body['extra_fields'] !== 'object') {
    throw new Error(`incomplete envelope: ${JSON.stringify(body)}`);
  }
  return error.message;
}
