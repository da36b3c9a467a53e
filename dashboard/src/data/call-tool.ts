import { ApiError, readError, send } from '../api.ts';

type JsonObject = Record<string, unknown>;

/** One part of what a tool gives back. */
export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly data?: string;
  readonly mimeType?: string;
}

/** What a tool gave back, as it came. */
export interface ToolResult {
  readonly content?: readonly ContentPart[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

interface Reply {
  readonly result?: ToolResult;
  readonly error?: { readonly message: string; readonly data?: { readonly code?: string } };
}

const REVISION = '2026-07-28';
const CLIENT = { name: 'asbru-dashboard', version: '1' };

/** Calls a tool through `/mcp` with a key, just as a client with that key would. */
export async function callTool(key: string, name: string, args: JsonObject, signal?: AbortSignal): Promise<ToolResult> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': CLIENT,
  };
  const response = await send('/mcp', {
    method: 'POST',
    credentials: 'omit', // it is the key that calls, not the person
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': REVISION,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta } }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.clone().text();
  const reply = readReply(text, response.headers.get('content-type') ?? '');
  if (reply?.result !== undefined) return reply.result;
  if (reply?.error !== undefined)
    throw new ApiError(response.status, reply.error.data?.code ?? 'error', reply.error.message);
  throw await readError(response);
}

/** The reply is the last message, whether it came as JSON or as an event stream. */
function readReply(text: string, type: string): Reply | undefined {
  const last = type.startsWith('text/event-stream')
    ? text
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data:'))
        .at(-1)
        ?.slice(5)
    : text;
  try {
    return JSON.parse(last ?? '') as Reply;
  } catch {
    return undefined;
  }
}
