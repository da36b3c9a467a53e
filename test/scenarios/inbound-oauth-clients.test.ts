import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorized,
} from '@modelcontextprotocol/client';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test } from 'vitest';
import { createKey } from '../kit/keys.ts';
import { createKeepingProvider, type KeepingProvider } from '../kit/oauth-provider.ts';
import { startScene } from '../kit/scene.ts';
import { MODERN_REVISION } from '../kit/wire.ts';

const info = { name: 'application', version: '1' };
const modes = ['both', 'oauth'] as const;

async function start(mode: (typeof modes)[number]) {
  const client = { mcp_server_auth_mode: mode };
  const scene = await startScene({ gateway: { config: { client } } });
  const mcp_configs = [{ mcp_client_name: 'c1', tools_to_execute: ['echo'] }];
  const key = await createKey(scene.gateway, 'of the user', { mcp_configs });
  return { scene, provider: createKeepingProvider(key.value), url: new URL(`${scene.gateway.address}/mcp`) };
}

function codeOf({ cameBack }: KeepingProvider): string {
  return cameBack?.searchParams.get('code') ?? '';
}

test.each(modes)('the official SDK signs in and calls, in the mode %s', async (mode) => {
  const { scene, provider, url } = await start(mode);
  await using _ = scene;
  const connect = async (pin: boolean) => {
    const client = new ModernClient(info, pin ? { versionNegotiation: { mode: { pin: MODERN_REVISION } } } : {});
    const transport = new ModernTransport(url, { authProvider: provider });
    return { client, transport, done: client.connect(transport) };
  };
  const first = await connect(true);
  await expect(first.done).rejects.toThrow(ModernUnauthorized);
  await first.transport.finishAuth(provider.cameBack?.searchParams ?? new URLSearchParams());
  for (const pin of [true, false]) {
    const { client, done } = await connect(pin);
    await done;
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['c1-echo']);
    await client.close();
  }
  expect(provider.asked).toBe(1);
});

test.each(modes)('the older SDK signs in and calls, in the mode %s', async (mode) => {
  const { scene, provider, url } = await start(mode);
  await using _ = scene;
  const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
  await expect(new Client(info).connect(transport)).rejects.toThrow(UnauthorizedError);
  await transport.finishAuth(codeOf(provider));
  const client = new Client(info);
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }));
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['c1-echo']);
  await client.close();
  expect(provider.asked).toBe(1);
});

test('a client whose token has ended refreshes it by itself, and several calls at once do not sign it out', async () => {
  const { scene, provider, url } = await start('both');
  await using _ = scene;
  const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
  await expect(new Client(info).connect(transport)).rejects.toThrow(UnauthorizedError);
  await transport.finishAuth(codeOf(provider));
  const client = new Client(info);
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }));
  const before = provider.tokens();
  // As good as one that has ended, and sooner.
  if (before !== undefined) provider.saveTokens({ ...before, access_token: `${before.access_token.slice(0, -4)}AAAA` });
  const calls = [1, 2, 3].map(() => client.callTool({ name: 'c1-echo', arguments: { text: 'x' } }));
  expect((await Promise.all(calls)).map(({ isError }) => isError ?? false)).toEqual([false, false, false]);
  expect(provider.tokens()?.refresh_token).not.toBe(before?.refresh_token);
  expect(provider.asked).toBe(1);
  await client.close();
});
