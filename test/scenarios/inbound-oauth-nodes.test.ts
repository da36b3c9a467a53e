import { describe, expect, test } from 'vitest';
import { startGateway } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { allow, createBrowser, handClient, registerClient } from '../kit/oauth-client.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { waitFor } from '../kit/wait.ts';
import { postMcp } from '../kit/wire.ts';

const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

async function startNodes(type: (typeof SHARED)[number]) {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openShared(type));
  const apiKey = 'bfst-of-all-nodes-of-this-test';
  const one = stack.use(await startGateway({ ...place.options(), apiKey }));
  const other = stack.use(await startGateway({ ...place.options(), apiKey }));
  // Behind one address, which is that of the first here.
  const client_config = { mcp_server_auth_mode: 'both', oauth2_server_config: { issuer_url: one.address } };
  await one.api('PUT', '/api/config', { client_config });
  await waitFor(
    async () => (await other.api('GET', '/.well-known/jwks.json')).status === 200,
    'the mode on the other node',
  );
  const running = stack.move();
  return { one, other, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

describe.each(SHARED)('on %s', (type) => {
  test('what one node begins, another goes on with: registration, consent, code, token, refresh, end', async () => {
    await using nodes = await startNodes(type);
    const { one, other } = nodes;
    const knock = async (address: string, token: string) => (await postMcp({ address, apiKey: token }, list)).status;
    const keySets = await Promise.all([one, other].map(({ api }) => api('GET', '/.well-known/jwks.json')));
    expect(keySets[0]?.body).toEqual(keySets[1]?.body);

    const key = await createKey(one, 'k');
    await waitFor(async () => (await knock(other.address, key.value)) === 200, 'the key on the other node');
    const there = await registerClient(one.address);
    const resource = { resource: `${one.address}/mcp` };
    const here = handClient(other.address, there.clientId, there.redirectUri);
    // The code comes of the second node, and is redeemed at the first.
    const back = await allow(createBrowser(), here.authorizeUrl(resource), key.value);
    expect(back.searchParams.get('iss')).toBe(one.address);
    const redeemed = await there.token({ ...here.codeFields(back.searchParams.get('code') ?? ''), ...resource });
    expect(redeemed.status, JSON.stringify(redeemed.body)).toBe(200);
    const token = String(redeemed.body['access_token']);
    for (const { address } of [one, other]) expect(await knock(address, token)).toBe(200);

    const refresh = (refresh_token: unknown) =>
      here.token({ grant_type: 'refresh_token', refresh_token: String(refresh_token) });
    const second = await refresh(redeemed.body['refresh_token']);
    expect(second.status).toBe(200);
    const sessions = (await other.api('GET', '/api/oauth2/sessions')).body['sessions'] as { id: string }[];
    expect(sessions).toHaveLength(1);
    expect((await other.api('DELETE', `/api/oauth2/sessions/${sessions[0]?.id ?? ''}`)).status).toBe(200);
    expect(await knock(other.address, token)).toBe(401);
    await waitFor(async () => (await knock(one.address, token)) === 401, 'the end on the first node');
    expect((await refresh(second.body['refresh_token'])).status).toBe(400);
  });

  test('a code that is redeemed at two nodes at the same time gives one token at most', async () => {
    await using nodes = await startNodes(type);
    const { one, other } = nodes;
    const key = await createKey(one, 'k');
    const client = await registerClient(one.address);
    const elsewhere = handClient(other.address, client.clientId, client.redirectUri);
    for (let round = 0; round < 5; round += 1) {
      const back = await allow(createBrowser(), client.authorizeUrl(), key.value);
      const fields = client.codeFields(back.searchParams.get('code') ?? '');
      const answers = await Promise.all([client.token(fields), elsewhere.token(fields)]);
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    }
  });
});
