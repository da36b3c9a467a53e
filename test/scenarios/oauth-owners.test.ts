import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { callWith, startNode, startOAuthScene } from '../kit/oauth.ts';
import type { TokenChange, TokenProblem } from '../../src/mcp/oauth/oauth.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { waitFor } from '../kit/wait.ts';

const ALICE = { mode: 'user', id: 'alice' } as const;
const BOB = { mode: 'vk', id: 'bob' } as const;

describe.each(DATABASES)('on %s', (type) => {
  test('each identity and each of its accounts has a token of its own', async () => {
    await using scene = await startOAuthScene({ type, auth_type: 'per_user_oauth' });
    const { oauth, upstream, server } = scene;
    await scene.signIn();
    for (const [user, options] of [
      ['alice', { identity: ALICE }],
      ['alice-at-work', { identity: ALICE, label: 'work' }],
      ['bob', { identity: BOB }],
    ] as const) {
      server.user = user;
      expect(await scene.signInUser(options)).toMatchObject({ purpose: 'user', identity: options.identity });
    }
    const calls = [
      oauth.tokenFor(scene.client, ALICE),
      oauth.tokenFor(scene.client, ALICE, { label: 'work' }),
      oauth.tokenFor(scene.client, BOB),
    ];
    for (const auth of calls) expect(await callWith(auth, upstream.url)).toBe(200);
    expect(upstream.subjects).toEqual(['alice', 'alice-at-work', 'bob']);
    for (const owner of ['shared', { mode: 'vk', id: 'alice' }, { mode: 'session', id: 'bob' }] as const) {
      expect(() => oauth.tokenFor(scene.client, owner).headers()).toThrow(/nobody has signed in yet/);
    }
    expect(() => oauth.tokenFor(scene.client, BOB, { label: 'work' }).headers()).toThrow(GatewayError);
    expect(oauth.tokens('wiki-id').map(({ mode, identity, label }) => [mode, identity, label])).toEqual([
      ['admin', '', ''],
      ['user', 'alice', ''],
      ['user', 'alice', 'work'],
      ['vk', 'bob', ''],
    ]);
  });

  test('the last sign-in of an account replaces the one before', async () => {
    await using scene = await startOAuthScene({ type, auth_type: 'per_user_oauth' });
    await scene.signIn();
    await scene.signInUser({ identity: ALICE });
    scene.server.user = 'alice2';
    await scene.signInUser({ identity: ALICE });
    await callWith(scene.oauth.tokenFor(scene.client, ALICE), scene.upstream.url);
    expect(scene.upstream.subjects).toEqual(['alice2']);
    expect(scene.oauth.tokens()).toHaveLength(2);
  });

  test('another configuration takes over when it is adopted, and not before', async () => {
    await using scene = await startOAuthScene({ type, auth_type: 'per_user_oauth' });
    const { oauth } = scene;
    const first = await scene.signIn({}, { pending: '{"name":"wiki"}' });
    expect((await oauth.pendingOf(first.config.id)).pending_client).toBe('{"name":"wiki"}');
    await oauth.adopt(first.config.id, 'wiki-id');
    await expect(oauth.pendingOf(first.config.id)).rejects.toMatchObject({ code: 'wrong_state' });
    await scene.signInUser({ identity: ALICE });
    const old = scene.client;
    const second = await scene.signIn();
    await oauth.tokenFor(old, ALICE).headers();
    await oauth.tokenFor(old, 'admin').headers();
    await oauth.adopt(second.config.id, 'wiki-id');
    await oauth.tokenFor(scene.client, 'admin').headers();
    expect(await oauth.configOf(first.config.id)).toBeUndefined();
    expect(() => oauth.tokenFor(scene.client, ALICE).headers()).toThrow(/the OAuth configuration changed/);
    await scene.signInUser({ identity: ALICE });
    await oauth.tokenFor(scene.client, ALICE).headers();
  });

  test('what is revoked or removed is gone at once, in memory and in the database', async () => {
    await using scene = await startOAuthScene({ type });
    const { oauth, database } = scene;
    const { config } = await scene.signIn();
    const heard: TokenChange[] = [];
    oauth.onChanged((change) => heard.push(change));
    await oauth.revoke(config.id);
    expect(heard).toMatchObject([{ client_id: 'wiki-id', mode: 'shared', status: undefined }]);
    expect(() => scene.shared().headers()).toThrow(GatewayError);
    expect(oauth.obstacle(scene.client)).toBe('needs_reauth');
    expect(await oauth.statusOf(config.id)).toMatchObject({ status: 'revoked' });
    await expect(oauth.revoke(config.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(oauth.revoke('nothing')).rejects.toMatchObject({ code: 'not_found' });
    await scene.signInAgain();
    expect(oauth.obstacle(scene.client)).toBeUndefined();
    await oauth.adopt(config.id, 'wiki-id');
    await oauth.removeOfClient('wiki-id');
    for (const table of ['oauth_configs', 'oauth_flows', 'oauth_tokens'] as const) {
      expect(await database.db.selectFrom(table).selectAll().execute()).toEqual([]);
    }
    expect(oauth.obstacle(scene.client)).toBe('pending_verification');
  });
});

test('an owner without access hears so in the words of the one who asks', async () => {
  await using scene = await startOAuthScene({ auth_type: 'per_user_oauth' });
  await scene.signIn();
  await scene.signInUser({ identity: ALICE });
  const problems: TokenProblem['kind'][] = [];
  const refuse = ({ kind }: TokenProblem): GatewayError => {
    problems.push(kind);
    return new GatewayError('forbidden', kind);
  };
  const auth = scene.oauth.tokenFor(scene.client, ALICE, { refuse });
  const first = await auth.headers();
  expect(auth.headers()).toBe(first); // the same object, so that nothing is built per call
  const ids = scene.oauth.tokens().flatMap(({ id, mode }) => (mode === 'user' ? [id] : []));
  await scene.oauth.setTokenStatus(ids, 'orphaned');
  expect(() => auth.headers()).toThrow('orphaned');
  await scene.oauth.setTokenStatus(ids, 'active');
  expect(await auth.headers()).toBe(first);
  await scene.oauth.removeTokens(ids);
  expect(() => auth.headers()).toThrow('missing');
  expect(problems).toEqual(['orphaned', 'missing']);
});

test('a second process has what the first got, and loses what it loses', async () => {
  await using scene = await startOAuthScene({ type: 'postgres' });
  await using other = await startNode(scene.database);
  const { config } = await scene.signIn();
  const auth = other.oauth.tokenFor(scene.client, 'shared');
  await waitFor(() => other.oauth.obstacle(scene.client) === undefined, 'the other process hears of the token');
  expect(await callWith(auth, scene.upstream.url)).toBe(200);
  await scene.oauth.revoke(config.id);
  await waitFor(() => other.oauth.obstacle(scene.client) !== undefined, 'the other process hears of the end');
  await using third = await startNode(scene.database);
  expect(third.oauth.tokens()).toEqual([]);
});
