import { Client as SdkV2Client, SSEClientTransport as SdkV2Transport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { ElicitRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import type { McpEndpoint } from './wire.ts';

const info = { name: 'scenario', version: '1.0.0' };
const capabilities = { elicitation: {} };

interface CallOptions {
  readonly onprogress?: (progress: { progress: number; total?: number | undefined }) => void;
  readonly signal?: AbortSignal;
}

/** An official client on HTTP+SSE, which answers every question with the same. */
export interface SseClient extends AsyncDisposable {
  list(): Promise<string[]>;
  /** The text of the result. */
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<string>;
  readonly notices: () => number;
  readonly asked: string[];
  close(): Promise<void>;
}

const text = (result: object): string => (result as { content?: { text: string }[] }).content?.[0]?.text ?? '';

/** The SDK client of the older revisions (v1). */
export async function connectSseV1(gateway: McpEndpoint): Promise<SseClient> {
  const client = new Client(info, { capabilities });
  const asked: string[] = [];
  let notices = 0;
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message);
    return { action: 'accept', content: { name: 'Ask' } };
  });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (notices += 1));
  const requestInit = { headers: { authorization: `Bearer ${gateway.apiKey}` } };
  await client.connect(new SSEClientTransport(new URL(`${gateway.address}/sse`), { requestInit }));
  return {
    list: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) => text(await client.callTool({ name, arguments: args }, undefined, options)),
    notices: () => notices,
    asked,
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** The SDK client of all revisions (v2), which asks for the newest first. */
export async function connectSseV2(gateway: McpEndpoint): Promise<SseClient> {
  const client = new SdkV2Client(info, { capabilities, versionNegotiation: { mode: 'auto' } });
  const asked: string[] = [];
  let notices = 0;
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message);
    return { action: 'accept', content: { name: 'Ask' } };
  });
  client.setNotificationHandler('notifications/tools/list_changed', () => void (notices += 1));
  const requestInit = { headers: { authorization: `Bearer ${gateway.apiKey}` } };
  await client.connect(new SdkV2Transport(new URL(`${gateway.address}/sse`), { requestInit }));
  return {
    list: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) => text(await client.callTool({ name, arguments: args }, options)),
    notices: () => notices,
    asked,
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}
