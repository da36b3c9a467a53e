import type { GatewayOptions } from '../../src/app.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { corpusServers } from './tool-corpus.ts';
import { createToolHost, createToolServer } from './tool-server.ts';
import { postModern, type HeaderChanges, type McpEndpoint, type RpcAnswer } from './wire.ts';

type JsonObject = Record<string, unknown>;

/** Asks for tools to be searched for instead of listed. */
export const SEARCH_MODE: HeaderChanges = { 'x-asbru-tool-mode': 'search' };

/** What `searchTools` answers. */
export async function searchText(endpoint: McpEndpoint, args: JsonObject): Promise<string> {
  const { reply, text } = await callMeta(endpoint, 'searchTools', args);
  const content = reply.result?.['content'] as { text: string }[] | undefined;
  if (content?.[0] === undefined) throw new Error(`searchTools: ${text}`);
  return content[0].text;
}

/** The names of the tools that a question finds, the best first. */
export async function foundTools(endpoint: McpEndpoint, query: string, more: JsonObject = {}): Promise<string[]> {
  return namesIn(await searchText(endpoint, { query, ...more }));
}

/** The names of the tools in an answer. */
export function namesIn(text: string): string[] {
  const blocks = text.split('\n\n').slice(1);
  return blocks.map((block) => /^[^\s:]+/.exec(block)?.[0] ?? '');
}

/** Calls a tool through `callTool`. */
export function callFound(
  endpoint: McpEndpoint,
  name: string,
  args: JsonObject = {},
  more: Parameters<typeof postModern>[3] = {},
): Promise<RpcAnswer> {
  return callMeta(endpoint, 'callTool', { name, arguments: args }, more);
}

/** Calls a tool of the gateway itself, in search mode. */
export function callMeta(
  endpoint: McpEndpoint,
  name: string,
  args: JsonObject,
  more: Parameters<typeof postModern>[3] = {},
): Promise<RpcAnswer> {
  const headers = { ...SEARCH_MODE, ...more.headers };
  return postModern(endpoint, 'tools/call', { name, arguments: args }, { ...more, headers });
}

/** A gateway with 5,000 tools of 50 servers. */
export async function startCorpusGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const servers = corpusServers();
  const hosts = servers.map(({ name, tools }) => {
    const host = createToolHost();
    host.tools.clear();
    for (const tool of tools) host.tools.set(tool.name, { ...tool });
    return [name, () => createToolServer(host)] as const;
  });
  const clients = servers.map(({ name }) => ({
    name,
    connection_type: 'inprocess',
    connection_string: name,
    tools_to_execute: ['*'],
  }));
  const gateway = await startGateway({
    inprocess: Object.fromEntries(hosts),
    config: { mcp: { client_configs: clients } },
    ...options,
  });
  await gateway.ready;
  return gateway;
}
