import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/lib/secret.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { exampleClient } from '../kit/clients.ts';
import { DATABASES } from '../kit/databases.ts';
import { callWith, expireTokens, REDIRECT, startNode, startOAuthScene, type OAuthScene } from '../kit/oauth.ts';
import { startOAuthServer } from '../kit/oauth-server.ts';
import { startProtectedUpstream } from '../kit/oauth-upstream.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { waitFor } from '../kit/wait.ts';

const REFRESH = 'POST /token refresh_token';

/** Lets the database take no change of a token, and gives the function that ends it. */
async function fill({ database: { db, dialect } }: OAuthScene): Promise<() => Promise<void>> {
  if (dialect.type === 'sqlite') {
    await sql`create trigger no_room before update on oauth_tokens begin select raise(abort, 'no room'); end`.execute(
      db,
    );
    return async () => void (await sql`drop trigger no_room`.execute(db));
  }
  await sql`create function no_room() returns trigger language plpgsql as $$ begin raise 'no room'; end $$`.execute(db);
  await sql`create trigger no_room before update on oauth_tokens for each row execute function no_room()`.execute(db);
  return async () => void (await sql`drop trigger no_room on oauth_tokens`.execute(db));
}

/** Closes it at the end. */
const closing = (database: Database) => ({ ...database, [Symbol.asyncDispose]: () => database.close() });

const succeeds = (scene: OAuthScene) => async (): Promise<boolean> =>
  (await callWith(scene.shared(), scene.upstream.url).catch(() => 0)) === 200;

describe.each(DATABASES)('on %s', (type) => {
  test('a renewed token that could not be stored is not lost: the refresh token before it is spent', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    await expireTokens(scene);
    const empty = await fill(scene);
    await expect(callWith(scene.shared(), scene.upstream.url)).rejects.toThrow('no room');
    expect(scene.server.count(REFRESH)).toBe(1);
    await empty();
    await waitFor(succeeds(scene), 'the new token is used', 5_000);
    expect(scene.server.count(REFRESH)).toBe(1);
    await expireTokens(scene);
    expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  });

  test('an authorization server that hangs holds up no renewal at another', async () => {
    await using scene = await startOAuthScene({ type, auth_type: 'per_user_oauth' });
    await using second = await startOAuthServer();
    await using upstream = await startProtectedUpstream(second);
    const { oauth, server } = scene;
    await scene.signIn();
    const persons = Array.from({ length: 5 }, (_, person) => ({ mode: 'user', id: `person ${person}` }) as const);
    for (const identity of persons) await scene.signInUser({ identity });
    const client = exampleClient({
      client_id: 'other-id',
      auth_type: 'oauth',
      connection_string: Secret.parse(upstream.url),
    });
    const begun = await oauth.beginAdmin({ client, input: {}, redirectUri: REDIRECT });
    if (begun.status !== 'pending') throw new Error('not pending');
    await oauth.finish({ query: (await second.browse(begun.authorize_url)).searchParams });
    await expireTokens(scene);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    server.tokenGate = promise;
    const held = persons.map((owner) => callWith(oauth.tokenFor(scene.client, owner), scene.upstream.url));
    await waitFor(() => server.count('POST /token waits') > 0, 'the first hangs');
    const other = oauth.tokenFor({ ...client, oauth_config_id: begun.oauth_config_id }, 'shared');
    const first = Promise.race(held).then(
      () => 'held up',
      () => 'held up',
    );
    expect(await Promise.race([callWith(other, upstream.url), first])).toBe(200);
    release();
    expect(await Promise.all(held)).toEqual(persons.map(() => 200));
  });

  test('what a token lacked is remembered although it was renewed just then', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    scene.upstream.callScopes = ['admin'];
    const { promise, resolve: release } = Promise.withResolvers<void>();
    const auth = scene.shared();
    const sent = await auth.headers();
    await expireTokens(scene);
    scene.server.tokenGate = promise;
    const call = callWith(auth, scene.upstream.url);
    await waitFor(() => scene.server.count('POST /token waits') === 1, 'the renewal begins');
    const challenge = 'Bearer error="insufficient_scope", scope="tools admin"';
    await expect(auth.refused({ status: 403, challenge }, sent)).rejects.toMatchObject({
      details: { reason: 'more_scopes' },
    });
    release();
    expect(await call).toBe(200);
    expect(scene.oauth.tokens()[0]?.wanted_scopes).toEqual(['tools', 'admin']);
  });

  test('where the authorization server forgot the gateway, the next sign-in registers it anew', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    await scene.server.forgetClients();
    await expireTokens(scene);
    await expect(callWith(scene.shared(), scene.upstream.url)).rejects.toThrow(/invalid_client/);
    await scene.signInAgain();
    expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
    expect(scene.server.count('POST /reg')).toBe(2);
  });

  test('a sign-in that the authorization server forgot meanwhile is begun again, as another client', async () => {
    await using scene = await startOAuthScene({ type });
    await scene.signIn();
    const begun = await scene.oauth.beginAdmin({ client: scene.client, redirectUri: REDIRECT });
    const query = await scene.browse(begun);
    await scene.server.forgetClients();
    await expect(scene.oauth.finish({ query })).rejects.toThrow(/invalid_client/);
    await scene.signInAgain();
    expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  });
});

test.each(SHARED)('a gateway that ends stores what it is being given first (%s)', async (type) => {
  await using place = await openShared(type);
  await using scene = await startOAuthScene();
  const { server, client } = scene;
  const database = await openDatabase(place.database());
  const node = await startNode(database);
  const begun = await node.oauth.beginAdmin({ client, input: {}, redirectUri: REDIRECT });
  await node.oauth.finish({ query: await scene.browse(begun) });
  const signedIn = { ...client, oauth_config_id: begun.oauth_config_id };
  await expireTokens({ database, changes: node.changes });
  const { promise, resolve: release } = Promise.withResolvers<void>();
  server.tokenGate = promise;
  const call = callWith(node.oauth.tokenFor(signedIn, 'shared'), scene.upstream.url).catch(() => 0);
  await waitFor(() => server.count('POST /token waits') === 1, 'the renewal begins');
  const ending = node[Symbol.asyncDispose]();
  release();
  await ending;
  await database.close();
  await call;
  await using again = await openDatabase(place.database()).then(closing);
  await using next = await startNode(again);
  expect(await callWith(next.oauth.tokenFor(signedIn, 'shared'), scene.upstream.url)).toBe(200);
  expect(server.count(REFRESH)).toBe(1);
});

test('a token that another process has got meanwhile is not given up with the one that was refused', async () => {
  await using scene = await startOAuthScene();
  // On a SQLite database of one process: neither hears of the other.
  await using other = await startNode(scene.database);
  await scene.signIn();
  const { upstream } = scene;
  const withdraw = async (): Promise<void> => {
    const { authorization = '' } = await scene.shared().headers();
    upstream.withdrawn.add(authorization.slice('Bearer '.length));
  };
  await withdraw();
  expect(await callWith(scene.shared(), upstream.url)).toBe(200);
  await withdraw();
  const begun = await other.oauth.beginAdmin({ client: scene.client, redirectUri: REDIRECT });
  await other.oauth.finish({ query: await scene.browse(begun) });
  expect(await callWith(scene.shared(), upstream.url)).toBe(200);
  await other.changes.publish('oauth_tokens', '*');
  expect(await callWith(other.oauth.tokenFor(scene.client, 'shared'), upstream.url)).toBe(200);
});

test.each([
  [404, '{"error":"Not Found"}'],
  [403, '{"error":"blocked"}'],
  [408, '{"error":"timeout"}'],
  [400, '{"error":"temporarily_unavailable"}'],
  [400, '<html>'],
  [429, '{"error":"invalid_grant"}'],
])('an answer that is no refusal of the token ends no sign-in: %i %s', async (status, body) => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  await expireTokens(scene);
  Object.assign(scene.server, { tokenFault: status, tokenFaultBody: body });
  await expect(callWith(scene.shared(), scene.upstream.url)).rejects.toMatchObject({ code: 'upstream_unreachable' });
  scene.server.tokenFault = undefined;
  await waitFor(succeeds(scene), 'the token is renewed', 5_000);
});

test.each([
  [400, '{"error":"invalid_grant"}'],
  [403, '{"error":"invalid_grant"}'],
  [401, '{"error":"invalid_client"}'],
  [400, '{"error":"own_word_for_no"}'],
  [200, '{"error":"bad_refresh_token"}'],
])('a refusal asks for another sign-in: %i %s', async (status, body) => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  await expireTokens(scene);
  Object.assign(scene.server, { tokenFault: status, tokenFaultBody: body });
  await expect(callWith(scene.shared(), scene.upstream.url)).rejects.toMatchObject({ code: 'upstream_unauthorized' });
  expect(scene.oauth.obstacle(scene.client)).toBe('needs_reauth');
});
