import { expect, test } from 'vitest';
import { createKey } from '../kit/keys.ts';
import { allow, createBrowser, registerClient } from '../kit/oauth-client.ts';
import { callText, startScene } from '../kit/scene.ts';

const both = { config: { client: { mcp_server_auth_mode: 'both' } } };

test('a client that knows only the address signs in, calls as the virtual key, and refreshes', async () => {
  await using scene = await startScene({ gateway: both });
  const { gateway } = scene;
  const key = await createKey(gateway, 'k', { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }] });
  const client = await registerClient(gateway.address);
  const back = await allow(createBrowser(), client.authorizeUrl(), key.value);
  console.log(back.href);
  const first = await client.token(client.codeFields(back.searchParams.get('code') ?? ''));
  console.log(first);
  expect(first.status).toBe(200);
  const endpoint = { address: gateway.address, apiKey: String(first.body['access_token']) };
  console.log(await callText(endpoint, 'c1-whoami'));
  const second = await client.refresh(String(first.body['refresh_token']));
  console.log(second);
  console.log((await gateway.api('GET','/api/oauth2/sessions')).body);
});
