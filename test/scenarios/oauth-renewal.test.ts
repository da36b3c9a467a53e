import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { callWith, expireTokens, startNode, startOAuthScene, type OAuthScene } from '../kit/oauth.ts';
import { waitFor } from '../kit/wait.ts';

const REFUSED = { status: 401, challenge: undefined } as const;
const REFRESH = 'POST /token refresh_token';

describe.each(DATABASES)('on %s', (type) => {
  test('twenty calls with a token that is over renew it once', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    await expireTokens(scene);
    const auth = scene.shared();
    const answers = await Promise.all(Array.from({ length: 20 }, () => callWith(auth, scene.upstream.url)));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(scene.server.count(REFRESH)).toBe(1);
    expect(new Set(scene.upstream.tokens).size).toBe(1);
  });

  test('a server that refuses a token of twenty calls at once makes it be renewed once', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    const auth = scene.shared();
    const { authorization = '' } = await auth.headers();
    scene.upstream.withdrawn.add(authorization.slice(7));
    const answers = await Promise.all(Array.from({ length: 20 }, () => callWith(auth, scene.upstream.url)));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(scene.server.count(REFRESH)).toBe(1);
  });

  test('a withdrawn refresh token needs a new sign-in, which sets it right', async () => {
    await using scene = await startOAuthScene({ type });
    const { oauth, upstream } = scene;
    await scene.signIn();
    await scene.server.revokeAll();
    await expireTokens(scene);
    const auth = scene.shared();
    const refused = {
      code: 'upstream_unauthorized',
      message: expect.stringMatching(/sign in to the MCP server "wiki".*invalid_grant/) as string,
    };
    await expect(callWith(auth, upstream.url)).rejects.toMatchObject(refused);
    expect(oauth.obstacle(scene.client)).toBe('needs_reauth');
    await expect(callWith(auth, upstream.url)).rejects.toMatchObject(refused);
    expect(scene.server.count(REFRESH)).toBe(1);
    await scene.signInAgain();
    expect(oauth.obstacle(scene.client)).toBeUndefined();
    expect(await callWith(auth, upstream.url)).toBe(200);
  });

  /** Somebody else needs the token when it is over. */
  async function renewElsewhere(scene: OAuthScene): Promise<void> {
    await expireTokens(scene);
    await scene.shared().headers();
  }

  test('a sign-in of which the server refused two tokens is over, though others renew them all the time', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    const auth = scene.shared();
    const first = await auth.headers();
    await renewElsewhere(scene);
    expect(await auth.refused(REFUSED, first)).toBe(true);
    const second = await auth.headers();
    await renewElsewhere(scene);
    await expect(auth.refused(REFUSED, second, true)).rejects.toMatchObject({ details: { reason: 'needs_reauth' } });
    expect(scene.oauth.obstacle(scene.client)).toBe('needs_reauth');
  });

  test('a sign-in that is over stays so when a renewal of it ends well', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    const auth = scene.shared();
    const sent = await auth.headers();
    await expireTokens(scene);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    scene.server.tokenGate = promise;
    const renewed = auth.headers();
    await waitFor(() => scene.server.count('POST /token waits') === 1, 'the renewal begins');
    await expect(auth.refused(REFUSED, sent, true)).rejects.toMatchObject({ details: { reason: 'needs_reauth' } });
    release();
    await renewed;
    expect(scene.oauth.obstacle(scene.client)).toBe('needs_reauth');
    await scene.signInAgain();
    expect(await callWith(auth, scene.upstream.url)).toBe(200);
  });

  test.each([true, false])('renewed again and again, with rotation %s', async (rotatesRefreshTokens) => {
    await using scene = await startOAuthScene({ type, rotatesRefreshTokens });
    await scene.signIn();
    for (let round = 0; round < 3; round += 1) {
      await expireTokens(scene);
      expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
    }
    expect(scene.server.count(REFRESH)).toBe(3);
    const used = new Set(scene.server.tokenRequests.map((form) => form.get('refresh_token')).filter(Boolean));
    expect(used.size).toBe(rotatesRefreshTokens ? 3 : 1);
  });
});

test('two processes on one database renew a token once, and both use the new one', async () => {
  await using scene = await startOAuthScene({ type: 'postgres' });
  await using other = await startNode(scene.database);
  await scene.signIn();
  await waitFor(() => other.oauth.tokens().length === 1, 'the other process hears of the token');
  await expireTokens(scene);
  await expireTokens({ database: scene.database, changes: other.changes });
  const auths = [scene.shared(), other.oauth.tokenFor(scene.client, 'shared')];
  const calls = auths.flatMap((auth) => Array.from({ length: 5 }, () => callWith(auth, scene.upstream.url)));
  expect(new Set(await Promise.all(calls))).toEqual(new Set([200]));
  expect(scene.server.count(REFRESH)).toBe(1);
  expect(new Set(scene.upstream.tokens).size).toBe(1);
});

test('an authorization server in trouble costs nothing but time', async () => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  await expireTokens(scene);
  scene.server.tokenFault = 503;
  const auth = scene.shared();
  const failed = { code: 'upstream_unreachable' };
  await expect(callWith(auth, scene.upstream.url)).rejects.toMatchObject(failed);
  await expect(callWith(auth, scene.upstream.url)).rejects.toMatchObject(failed);
  expect(scene.server.count('POST /token fault')).toBe(1); // not asked with every call
  expect(scene.oauth.obstacle(scene.client)).toBeUndefined();
  scene.server.tokenFault = undefined;
  const calls = (): Promise<boolean> =>
    callWith(auth, scene.upstream.url).then(
      (status) => status === 200,
      () => false,
    );
  await waitFor(calls, 'the call works again');
});

test('a server that refuses the renewed token too is not asked for ever', async () => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  scene.upstream.refusesUntil = Number.MAX_SAFE_INTEGER;
  const auth = scene.shared();
  await expect(callWith(auth, scene.upstream.url)).rejects.toMatchObject({ code: 'upstream_unauthorized' });
  await expect(callWith(auth, scene.upstream.url)).rejects.toMatchObject({ code: 'upstream_unauthorized' });
  expect(scene.server.count(REFRESH)).toBe(1);
  expect(scene.oauth.obstacle(scene.client)).toBe('needs_reauth');
});

test('a token that ends soon is renewed before anybody asks', async () => {
  await using scene = await startOAuthScene({ sweepMs: 20 });
  await scene.signIn();
  await scene.database.db
    .updateTable('oauth_tokens')
    .set({ expires_at: Date.now() + 200_000, created_at: Date.now() - 3_600_000 })
    .execute();
  await scene.changes.publish('oauth_tokens', '*');
  await waitFor(() => scene.server.count(REFRESH) === 1, 'the token is renewed');
  await waitFor(() => scene.oauth.tokens()[0]?.last_refreshed_at !== undefined, 'the new token is known');
  expect(scene.errors).toEqual([]);
});

test('a token that says no end is used until the server refuses it', async () => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  await scene.database.db.updateTable('oauth_tokens').set({ expires_at: null }).execute();
  await scene.changes.publish('oauth_tokens', '*');
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  expect(scene.server.count(REFRESH)).toBe(0);
});

test('a sign-in during a renewal is not overwritten by it', async () => {
  let release = (): void => {};
  let isHeld = false;
  await using scene = await startOAuthScene({
    fetch: async (url, init) => {
      const isRefresh = init?.body instanceof URLSearchParams && init.body.get('grant_type') === 'refresh_token';
      if (isRefresh && !isHeld) {
        isHeld = true;
        await new Promise<void>((resolve) => (release = resolve));
      }
      return fetch(url, init);
    },
  });
  await scene.signIn();
  await expireTokens(scene);
  const held = callWith(scene.shared(), scene.upstream.url);
  await waitFor(() => isHeld, 'the renewal begins');
  scene.server.user = 'bob';
  await scene.signInAgain();
  release();
  expect(await held).toBe(200);
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  expect(scene.upstream.subjects).toEqual(['bob', 'bob']);
});
