import { expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { createKey } from '../kit/keys.ts';
import { listSessions, requiredIn } from '../kit/personal.ts';
import { call, follow, signIn, startPersonalOAuth } from '../kit/personal-oauth.ts';
import { waitFor } from '../kit/wait.ts';

test.each(DATABASES)('a revocation while a person begins to sign in stands, on %s', async (type) => {
  await using scene = await startPersonalOAuth(type);
  const { gateway, server, upstream, id } = scene;
  const refused = await call(scene, await createKey(gateway, 'one'));
  const { oauth_config_id: config = '' } = (await gateway.getClient(id)).config;
  const { upstream: host } = upstream;
  const seen = host.requests.length;
  host.delayMs = 500;
  const following = follow(scene, refused);
  await waitFor(() => host.requests.length > seen, 'the server to be asked where to sign in');
  expect((await gateway.api('DELETE', `/api/oauth/config/${config}`)).status).toBe(200);
  const { cookie, authorizeUrl } = await following;
  const page = await fetch(await server.browse(authorizeUrl), { headers: { cookie } });
  expect(page.status).toBeGreaterThanOrEqual(400);
  expect((await gateway.api('GET', `/api/oauth/config/${config}/status`)).body['status']).toBe('revoked');
});

test.each(DATABASES)('a revocation while the code of a person is redeemed stands, on %s', async (type) => {
  await using scene = await startPersonalOAuth(type);
  const { gateway, server, id } = scene;
  const key = await createKey(gateway, 'one');
  const { oauth_config_id: config = '' } = (await gateway.getClient(id)).config;
  const gate = Promise.withResolvers<void>();
  server.tokenGate = gate.promise;
  const signingIn = signIn(scene, key, 'alice');
  await waitFor(() => server.count('POST /token waits') > 0, 'the code to be redeemed');
  expect((await gateway.api('DELETE', `/api/oauth/config/${config}`)).status).toBe(200);
  gate.resolve();
  expect((await signingIn).status).toBeGreaterThanOrEqual(400);
  requiredIn(await call(scene, key));
  expect(await listSessions(gateway, 'kind=token')).toEqual([]);
});
