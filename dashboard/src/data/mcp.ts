import { ApiError, forgetSession, proofOfPage, readError, send } from '../api.ts';

/** Any JSON object. */
export type JsonObject = Record<string, unknown>;

/** Who calls: a virtual key by its value, or whoever is signed in. */
export type As = { readonly key: string } | 'me';

/** One JSON-RPC message, as it came. */
export interface McpMessage {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: JsonObject };
}

/** One request to `/mcp`. */
export interface McpRequest {
  readonly as: As;
  readonly method: string;
  readonly params: JsonObject;
  /** What the person in front of the page can do for a server. */
  readonly capabilities?: JsonObject;
  /** Progress comes back under it. */
  readonly progressToken?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What goes over the wire. */
export interface McpOutgoing {
  readonly headers: Record<string, string>;
  readonly body: JsonObject;
}

const REVISION = '2026-07-28';
const CLIENT = { name: 'asbru-dashboard', version: '1' };
let lastId = 0;

/** The HTTP request of an MCP request, without the credential. */
export function composeMcp({ method, params, capabilities = {}, progressToken, headers }: McpRequest): McpOutgoing {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    'io.modelcontextprotocol/clientInfo': CLIENT,
    ...(progressToken === undefined ? {} : { progressToken, 'io.modelcontextprotocol/logLevel': 'info' }),
  };
  lastId += 1;
  const named = params[method === 'resources/read' ? 'uri' : 'name'];
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': REVISION,
      'mcp-method': method,
      ...(typeof named === 'string' ? { 'mcp-name': encodeName(named) } : {}),
      ...headers,
    },
    body: { jsonrpc: '2.0', id: lastId, method, params: { ...params, _meta } },
  };
}

/** Sends a composed request. Gives the reply; hears of every message, the reply included, when it comes. */
export async function sendMcp(
  as: As,
  { headers, body }: McpOutgoing,
  { signal, onMessage }: { signal?: AbortSignal; onMessage?: (message: McpMessage) => void } = {},
): Promise<McpMessage> {
  const credential = as === 'me' ? await proofOfPage() : { authorization: `Bearer ${as.key}` };
  const response = await send('/mcp', {
    method: 'POST',
    credentials: as === 'me' ? 'same-origin' : 'omit', // a key that calls is not helped by the session
    headers: { ...headers, ...credential },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  if (as === 'me' && (response.status === 401 || response.status === 403)) forgetSession();
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('text/event-stream')) {
    const message = await readJson(response);
    onMessage?.(message);
    return message;
  }
  let reply: McpMessage | undefined;
  for await (const message of readEvents(response)) {
    onMessage?.(message);
    if (message.method === undefined) reply = message;
  }
  if (reply === undefined) throw new ApiError(0, 'no_answer', 'The connection ended before the answer came.');
  return reply;
}

/** Sends a request and gives its result. An error of the protocol is thrown as an ApiError. */
export async function askMcp(request: McpRequest, signal?: AbortSignal): Promise<JsonObject> {
  return resultOf(await sendMcp(request.as, composeMcp(request), signal === undefined ? {} : { signal }));
}

/** The result of a reply; its error is thrown. */
export function resultOf({ result, error }: McpMessage): JsonObject {
  if (result !== undefined) return result;
  const code = typeof error?.data?.['code'] === 'string' ? error.data['code'] : String(error?.code ?? 'error');
  throw new ApiError(200, code, error?.message ?? 'The gateway answered without a result.');
}

async function readJson(response: Response): Promise<McpMessage> {
  try {
    const message = (await response.clone().json()) as McpMessage & { jsonrpc?: string };
    if (message.jsonrpc === '2.0') return message;
  } catch {
    // Not JSON: the error below says what it was.
  }
  throw await readError(response);
}

/** The messages of an event stream, each as soon as it is complete. */
async function* readEvents(response: Response): AsyncGenerator<McpMessage> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return;
    const events = (rest + value.replaceAll('\r', '')).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const lines = event.split('\n').filter((line) => line.startsWith('data:'));
      const data = lines.map((line) => line.slice(5).trimStart()).join('\n');
      if (data !== '') yield JSON.parse(data) as McpMessage;
    }
  }
}

/** A header holds printable ASCII only; MCP wraps everything else. */
function encodeName(name: string): string {
  const isPlain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(name) && !name.startsWith('=?base64?');
  if (isPlain) return name;
  const bytes = Array.from(new TextEncoder().encode(name), (byte) => String.fromCodePoint(byte));
  return `=?base64?${btoa(bytes.join(''))}?=`;
}
