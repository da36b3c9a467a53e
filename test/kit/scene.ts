import { expect } from 'vitest';
import type { GatewayOptions } from '../../src/app.ts';
import {
  httpClient,
  messageIn,
  startGateway,
  type ApiAnswer,
  type GatewayAccess,
  type TestGateway,
} from './gateway.ts';
import { startUpstream, type Upstream, type UpstreamOptions } from './upstream.ts';
import { postModern, type McpEndpoint } from './wire.ts';

type JsonObject = Record<string, unknown>;

/** The starting point of most scenarios: one gateway, one upstream, registered as "c1" with all its tools. */
export interface Scene extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstream: Upstream;
  readonly id: string;
  update(body: unknown): Promise<ApiAnswer>;
}

/** Starts a gateway and an upstream and registers the upstream as "c1". */
export async function startScene(
  options: { gateway?: GatewayOptions; upstream?: UpstreamOptions; client?: JsonObject } = {},
): Promise<Scene> {
  const upstream = await startUpstream(options.upstream);
  const gateway = await startGateway(options.gateway);
  const id = await gateway.createClient(httpClient(upstream.url, options.client));
  return {
    gateway,
    upstream,
    id,
    update: (body) => gateway.update(id, body),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream.stop();
    },
  };
}

/** The tool names that `/mcp` lists, sorted. */
export async function listedTools(endpoint: McpEndpoint): Promise<string[]> {
  const { reply, text } = await postModern(endpoint, 'tools/list');
  const tools = reply.result?.['tools'] as { name: string }[] | undefined;
  if (tools === undefined) throw new Error(`tools/list: ${text}`);
  return tools.map(({ name }) => name).toSorted();
}

/** The text that a call of a tool through `/mcp` answers with. */
export async function callText(endpoint: McpEndpoint, name: string, args: JsonObject = {}): Promise<string> {
  const { reply, text } = await postModern(endpoint, 'tools/call', { name, arguments: args });
  const content = reply.result?.['content'] as { text: string }[] | undefined;
  if (content === undefined) throw new Error(`tools/call ${name}: ${text}`);
  return content.map((part) => part.text).join('');
}

/** The headers that the upstream saw on a call through the gateway. */
export async function seenHeaders(endpoint: McpEndpoint, client = 'c1'): Promise<Record<string, string>> {
  return JSON.parse(await callText(endpoint, `${client}-whoami`)) as Record<string, string>;
}

/** Expects the request to be refused with this status and a proper error, and every client to be as before. Gives the message. */
export async function expectRefused(
  gateway: GatewayAccess,
  status: number,
  request: () => Promise<ApiAnswer>,
): Promise<string> {
  const before = await gateway.listClients();
  const answer = await request();
  expect(answer, JSON.stringify(answer.body)).toHaveProperty('status', status);
  const message = messageIn(answer);
  expect(await gateway.listClients()).toEqual(before);
  return message;
}

/** Expects a mutation to succeed, with this word in its message. */
export function expectDone(answer: ApiAnswer, word: string): void {
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200, body: { status: 'success' } });
  expect(String(answer.body['message'])).toContain(word);
}
