import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { callWith, expireTokens, REDIRECT, startNode, startOAuthScene, type OAuthScene } from '../kit/oauth.ts';

const ALICE = { mode: 'user', id: 'alice' } as const;
const BOB = { mode: 'vk', id: 'bob' } as const;
type Person = typeof ALICE | typeof BOB;

/** Everybody has signed in, and calls of tools want more than anybody has. */
async function startPersons(options: Parameters<typeof startOAuthScene>[0]): Promise<OAuthScene> {
  const scene = await startOAuthScene({ auth_type: 'per_user_oauth', ...options });
  await scene.signIn();
  for (const identity of [ALICE, BOB]) {
    scene.server.user = identity.id;
    await scene.signInUser({ identity });
  }
  scene.upstream.callScopes = ['admin'];
  return scene;
}

async function stepUp(scene: OAuthScene, identity: Person): Promise<void> {
  const call = callWith(scene.oauth.tokenFor(scene.client, identity), scene.upstream.url, 'tools/call');
  await expect(call).rejects.toMatchObject({ details: { reason: 'more_scopes' } });
  scene.server.user = identity.id;
  await scene.signInUser({ identity });
}

/** What the server says to each of them, whose token is over. */
async function renewed(scene: OAuthScene): Promise<number[]> {
  await expireTokens(scene);
  const owners = ['admin', ALICE, BOB] as const;
  return Promise.all(owners.map((owner) => callWith(scene.oauth.tokenFor(scene.client, owner), scene.upstream.url)));
}

describe.each(DATABASES)('on %s', (type) => {
  test.each([['none'], ['client_secret_basic'], ['client_secret_post']] as const)(
    'who signs in for more scopes takes nothing from anybody else (%s)',
    async (method) => {
      await using scene = await startPersons({ type, clientAuthMethods: [method] });
      await stepUp(scene, ALICE);
      expect(scene.server.count('POST /reg')).toBe(2);
      for (let round = 0; round < 2; round += 1) expect(await renewed(scene)).toEqual([200, 200, 200]);
      const alice = scene.oauth.tokenFor(scene.client, ALICE);
      expect(await callWith(alice, scene.upstream.url, 'tools/call')).toBe(400); // in, but outside a session
    },
  );

  test('a sign-in that began before another registration ends with its own, and is renewed with it', async () => {
    await using scene = await startPersons({ type });
    const begun = await scene.oauth.beginUser({ client: scene.client, identity: BOB, redirectUri: REDIRECT });
    await stepUp(scene, ALICE);
    scene.server.user = 'bob';
    await scene.oauth.finish({ query: await scene.browse(begun) });
    expect(await renewed(scene)).toEqual([200, 200, 200]);
    // The administrator signed in as alice; all three ask at once.
    expect(scene.upstream.subjects.slice(-3).toSorted()).toEqual(['alice', 'alice', 'bob']);
  });

  test('tokens that were stored before their registrations were are kept with that of then', async () => {
    await using scene = await startPersons({ type, clientAuthMethods: ['client_secret_basic'] });
    await scene.database.db.updateTable('oauth_tokens').set({ registration: null }).execute();
    await using after = await startNode(scene.database);
    const upgraded = { ...scene, ...after, signInUser: scene.signInUser };
    await stepUp(scene, ALICE);
    expect(await renewed(upgraded)).toEqual([200, 200, 200]);
  });
});

test('no secret of a registration is stored as it is, or shown', async () => {
  await using scene = await startPersons({ clientAuthMethods: ['client_secret_post'] });
  await stepUp(scene, ALICE);
  const secrets = scene.server.tokenRequests.map((form) => form.get('client_secret'));
  expect(new Set(secrets).size).toBe(2);
  const rows = await Promise.all(
    (['oauth_configs', 'oauth_flows', 'oauth_tokens'] as const).map((table) =>
      scene.database.db.selectFrom(table).selectAll().execute(),
    ),
  );
  const text = JSON.stringify([rows, scene.oauth.tokens()]);
  for (const secret of secrets) {
    expect(secret?.length).toBeGreaterThan(20);
    expect(text).not.toContain(secret);
  }
});
