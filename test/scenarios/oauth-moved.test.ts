import { expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { createKey } from '../kit/keys.ts';
import { startProtectedUpstream, type ProtectedUpstream } from '../kit/oauth-upstream.ts';
import { requiredIn } from '../kit/personal.ts';
import { call, follow, signIn, startPersonalOAuth, subjectOf, type PersonalOAuthScene } from '../kit/personal-oauth.ts';
import { waitFor } from '../kit/wait.ts';

/** Another place, which takes every token that the first would take: a thief would, too. */
async function startElsewhere({ server, upstream }: PersonalOAuthScene): Promise<ProtectedUpstream> {
  const elsewhere = await startProtectedUpstream(server);
  const audiences = [elsewhere.url, upstream.url];
  elsewhere.trusted = {
    verify: (token) => Promise.any(audiences.map((audience) => server.verify(token, audience))),
  };
  return elsewhere;
}

const subjectsAt = ({ subjects }: ProtectedUpstream): Set<string> => new Set(subjects);

async function move({ gateway, id }: PersonalOAuthScene, to: ProtectedUpstream): Promise<void> {
  const moved = await gateway.update(id, { connection_string: to.url });
  expect(moved.status, JSON.stringify(moved.body)).toBe(200);
}

test.each(DATABASES)(
  'a sign-in that began before the server was moved brings no token to the new place (%s)',
  async (type) => {
    await using scene = await startPersonalOAuth(type);
    await using elsewhere = await startElsewhere(scene);
    const { gateway, upstream, server } = scene;
    const key = await createKey(gateway, 'one');
    const refused = await call(scene, key);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    upstream.metadataGate = promise;
    const before = upstream.metadataRequests();
    const following = follow(scene, refused).then(
      async ({ authorizeUrl, cookie }) => {
        server.user = 'alice';
        await fetch(await server.browse(authorizeUrl), { headers: { cookie } });
      },
      () => undefined,
    );
    await waitFor(() => upstream.metadataRequests() > before, 'the sign-in begins');
    await move(scene, elsewhere);
    release();
    await following;
    requiredIn(await call(scene, key));
    expect(subjectsAt(elsewhere)).toEqual(new Set(['the admin']));
    expect((await signIn(scene, key, 'alice')).status).toBe(200);
    expect(await subjectOf({ ...scene, upstream: elsewhere }, key)).toBe('alice');
  },
);

test.each(DATABASES)('nor does one of the administrator (%s)', async (type) => {
  await using scene = await startPersonalOAuth(type);
  await using elsewhere = await startElsewhere(scene);
  const { gateway, server, id } = scene;
  const begun = await gateway.api('POST', `/api/mcp/client/${id}/reauthorize`);
  const callback = await server.browse(String(begun.body['authorize_url']));
  const before = server.count('POST /token authorization_code');
  await move(scene, elsewhere);
  expect((await fetch(callback)).status).toBe(400);
  expect(server.count('POST /token authorization_code')).toBe(before);
  expect((await gateway.api('POST', `/api/mcp/client/${id}/reauthorize`)).status).toBe(200);
});

test.each(DATABASES)('no token for the old place is sent to the new one while it is moved (%s)', async (type) => {
  await using scene = await startPersonalOAuth(type);
  await using elsewhere = await startElsewhere(scene);
  const keys = [];
  for (let person = 0; person < 8; person += 1) {
    const key = await createKey(scene.gateway, `key ${person}`);
    expect((await signIn(scene, key, `person ${person}`)).status).toBe(200);
    keys.push(key);
  }
  const moving = { isDone: false };
  const calling = keys.map(async (key) => {
    while (!moving.isDone) await call(scene, key);
    requiredIn(await call(scene, key));
  });
  await move(scene, elsewhere);
  moving.isDone = true;
  await Promise.all(calling);
  expect(subjectsAt(elsewhere)).toEqual(new Set(['the admin']));
});
