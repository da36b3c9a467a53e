import {
  Client as ModernSdkClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { MODERN_REVISION, type HeaderChanges, type McpEndpoint } from './wire.ts';

const info = { name: 'scenario', version: '1.0.0' };

/** The official SDK client of the older revisions (v1), connected to `/mcp`. */
export async function connectLegacy(
  gateway: McpEndpoint,
  headers: HeaderChanges = {},
): Promise<Client & AsyncDisposable> {
  const client = new Client(info);
  const requestInit = { headers: { authorization: `Bearer ${gateway.apiKey}`, ...headers } };
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.address}/mcp`), { requestInit });
  await client.connect(transport);
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  });
}

/** The official SDK client (v2), pinned to the modern revision, connected to `/mcp`. */
export async function connectModern(
  gateway: McpEndpoint,
  headers: HeaderChanges = {},
): Promise<ModernSdkClient & AsyncDisposable> {
  const client = new ModernSdkClient(info, { versionNegotiation: { mode: { pin: MODERN_REVISION } } });
  const requestInit = { headers: { authorization: `Bearer ${gateway.apiKey}`, ...headers } };
  await client.connect(new ModernTransport(new URL(`${gateway.address}/mcp`), { requestInit }));
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  });
}
