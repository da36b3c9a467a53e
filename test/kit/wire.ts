import { request as httpRequest } from 'node:http';

type JsonObject = Record<string, unknown>;

/** A JSON-RPC message as it came over the wire. */
export interface RpcMessage {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** An answer of `/mcp`: the raw text, and the JSON-RPC messages in it whether it came as JSON or as an event stream. */
export interface RpcAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly messages: readonly RpcMessage[];
  /** The last message, which is the reply. */
  readonly reply: RpcMessage;
}

/** What raw access to `/mcp` needs. */
export interface McpEndpoint {
  readonly address: string;
  readonly apiKey: string;
}

export const MODERN_REVISION = '2026-07-28';
export const LEGACY_REVISION = '2025-11-25';

/** Headers by name; an empty value leaves a default header out. */
export type HeaderChanges = Readonly<Record<string, string>>;

/** The default headers of a JSON request with the caller's changes; an empty value removes one. */
export function requestHeaders(endpoint: McpEndpoint, changes: HeaderChanges = {}): Record<string, string> {
  const headers: Record<string, string> = {
    ...(endpoint.apiKey === '' ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** Posts one message, or any text, to `/mcp` and reads the answer to its end. */
export async function postMcp(
  endpoint: McpEndpoint,
  message: JsonObject | string,
  { headers, signal }: { headers?: HeaderChanges; signal?: AbortSignal } = {},
): Promise<RpcAnswer> {
  const response = await fetch(`${endpoint.address}/mcp`, {
    method: 'POST',
    headers: requestHeaders(endpoint, headers),
    body: typeof message === 'string' ? message : JSON.stringify(message),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const messages = readMessages(text, response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, messages, reply: messages.at(-1) ?? {} };
}

function readMessages(text: string, contentType: string): RpcMessage[] {
  if (text === '') return [];
  if (!contentType.startsWith('text/event-stream'))
    return contentType.includes('json') ? [JSON.parse(text) as RpcMessage] : [];
  return readEvents(text).map((data) => JSON.parse(data) as RpcMessage);
}

/** The data of every complete event in a text/event-stream. */
export function readEvents(text: string): string[] {
  const events = text.split(/\r?\n\r?\n/).map((event) =>
    event
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).trimStart())
      .join('\n'),
  );
  return events.filter((data) => data !== '');
}

let lastId = 0;

/** A session of the older revisions, spoken by hand. */
export interface LegacySession {
  readonly id: string;
  readonly headers: HeaderChanges;
  /** The result of `initialize`. */
  readonly opened: JsonObject;
  request(method: string, params?: JsonObject): Promise<RpcAnswer>;
  notify(method: string, params?: JsonObject): Promise<RpcAnswer>;
  /** Posts any message, such as the answer to a question. */
  post(message: JsonObject): Promise<RpcAnswer>;
}

/** Opens a session with `initialize` and `notifications/initialized`. */
export async function openSession(
  endpoint: McpEndpoint,
  changes: HeaderChanges = {},
  capabilities: JsonObject = {},
  protocolVersion: string = LEGACY_REVISION,
): Promise<LegacySession> {
  const params = { protocolVersion, capabilities, clientInfo: { name: 'wire', version: '1' } };
  const opened = await postMcp(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, { headers: changes });
  const id = opened.headers.get('mcp-session-id') ?? '';
  if (opened.status !== 200 || opened.reply.result === undefined)
    throw new Error(`initialize: ${opened.status} ${opened.text}`);
  const headers = {
    ...changes,
    'mcp-session-id': id,
    'mcp-protocol-version': String(opened.reply.result['protocolVersion']),
  };
  const session: LegacySession = {
    id,
    headers,
    opened: opened.reply.result,
    request: (method, params) => postMcp(endpoint, { jsonrpc: '2.0', id: ++lastId, method, params }, { headers }),
    notify: (method, params) => postMcp(endpoint, { jsonrpc: '2.0', method, params }, { headers }),
    post: (message) => postMcp(endpoint, message, { headers }),
  };
  await session.notify('notifications/initialized');
  return session;
}

/** A request of the modern revision: `_meta` in the body, and the headers that must agree with it. */
export function modernRequest(
  method: string,
  params: JsonObject = {},
  capabilities: JsonObject = {},
): { message: JsonObject; headers: HeaderChanges } {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN_REVISION,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    'io.modelcontextprotocol/clientInfo': { name: 'wire', version: '1' },
    ...(params['_meta'] as JsonObject | undefined),
  };
  const headers: Record<string, string> = { 'mcp-protocol-version': MODERN_REVISION, 'mcp-method': method };
  const name = params[method === 'resources/read' ? 'uri' : 'name'];
  if (typeof name === 'string') headers['mcp-name'] = name;
  return { message: { jsonrpc: '2.0', id: ++lastId, method, params: { ...params, _meta } }, headers };
}

/** Sends a request of the modern revision by hand. */
export function postModern(
  endpoint: McpEndpoint,
  method: string,
  params: JsonObject = {},
  options: { capabilities?: JsonObject; headers?: HeaderChanges; signal?: AbortSignal } = {},
): Promise<RpcAnswer> {
  const { capabilities, signal } = options;
  const { message, headers } = modernRequest(method, params, capabilities);
  return postMcp(endpoint, message, { headers: { ...headers, ...options.headers }, ...(signal && { signal }) });
}

/** An open event stream whose messages collect while the test goes on. */
export interface OpenStream extends AsyncDisposable {
  readonly status: number;
  readonly messages: readonly RpcMessage[];
  readonly ended: boolean;
}

/** Opens `GET /mcp`, or another request that answers with an event stream, and collects what arrives. */
export async function openStream(
  endpoint: McpEndpoint,
  init: { method?: string; body?: string; headers: HeaderChanges },
): Promise<OpenStream> {
  const abort = new AbortController();
  const response = await fetch(`${endpoint.address}/mcp`, {
    method: init.method ?? 'GET',
    headers: requestHeaders(endpoint, { accept: 'text/event-stream', ...init.headers }),
    ...(init.body === undefined ? {} : { body: init.body }),
    signal: abort.signal,
  });
  const arriving = collectText(response);
  return {
    status: response.status,
    get messages() {
      return readEvents(arriving.text.slice(0, arriving.text.lastIndexOf('\n\n') + 2)).map(
        (data) => JSON.parse(data) as RpcMessage,
      );
    },
    get ended() {
      return arriving.ended;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await arriving.reading;
    },
  };
}

/** A request whose `Host` header is chosen freely, which fetch does not allow. Gives the status. */
export function statusForHost(endpoint: McpEndpoint, path: string, host: string, body: JsonObject): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = requestHeaders(endpoint, { host });
    const request = httpRequest(`${endpoint.address}${path}`, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once('error', reject);
    request.end(JSON.stringify(body));
  });
}

/** The text of an answer as far as it has come. */
export interface ArrivingText {
  readonly text: string;
  readonly ended: boolean;
  /** Settles with the end of the answer, however it ends. */
  readonly reading: Promise<unknown>;
}

/** Reads an answer in the background. */
export function collectText(response: Response): ArrivingText {
  let text = '';
  let ended = false;
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
  })()
    .catch(() => undefined)
    .finally(() => (ended = true));
  return {
    get text() {
      return text;
    },
    get ended() {
      return ended;
    },
    reading,
  };
}
