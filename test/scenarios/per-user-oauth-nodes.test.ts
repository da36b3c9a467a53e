import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createChanges, type Changes } from '../../src/store/changes.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { randomApiKey, startGateway, type ApiAnswer, type TestGateway } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { listSessions, requiredIn, tokenIn } from '../kit/personal.ts';
import {
  call,
  follow,
  post,
  renew,
  signIn,
  startPersonalOAuth,
  subjectOf,
  type Forwarded,
  type PersonalOAuthScene,
} from '../kit/personal-oauth.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { waitFor } from '../kit/wait.ts';

const CODE = 'POST /token authorization_code';
const REFRESH = 'POST /token refresh_token';

function isAsked({ status, body }: ApiAnswer): boolean {
  const { mcp_auth_required: required } = body['extra_fields'] as { mcp_auth_required?: { session_id?: string } };
  return status === 401 && required?.session_id !== undefined;
}

/** Brings the answer of the authorization server to this gateway, whichever of them began. */
async function bringBack({ gateway }: PersonalOAuthScene, callback: URL, { cookie }: Forwarded): Promise<number> {
  return (await fetch(new URL(callback.pathname + callback.search, gateway.address), { headers: { cookie } })).status;
}

describe.each(SHARED)('on %s', (type) => {
  let one: PersonalOAuthScene;
  let other: PersonalOAuthScene;
  let database: Database;
  let changes: Changes;
  const cleanup = new AsyncDisposableStack();

  beforeAll(async () => {
    const place = cleanup.use(await openShared(type));
    const apiKey = randomApiKey();
    one = cleanup.use(await startPersonalOAuth({ ...place.options(), apiKey }));
    const gateway: TestGateway = cleanup.use(await startGateway({ ...place.options(), apiKey }));
    other = { ...one, gateway };
    database = await openDatabase(place.database());
    cleanup.defer(() => database.close());
    changes = await createChanges(database, () => {});
    cleanup.defer(() => changes.close());
  });
  afterAll(() => cleanup.disposeAsync());
  beforeEach(() => {
    one.server.user = 'alice';
  });

  /** A key that both gateways know. */
  async function newKey(name: string): Promise<TestKey> {
    const key = await createKey(one.gateway, name);
    await waitFor(async () => isAsked(await call(other, key)), 'the other gateway knows the key and the server');
    return key;
  }

  test('a sign-in that one gateway begins ends at the other, once, and both call with its token', async () => {
    const key = await newKey('begun here');
    const refused = await call(one, key);
    expect(requiredIn(await call(other, key)).session_id).toBe(requiredIn(refused).session_id);
    const begun = await follow(one, refused);
    const callback = await one.server.browse(begun.authorizeUrl);
    const before = one.server.count(CODE);
    expect(await bringBack(other, callback, { ...begun, cookie: '' })).toBe(403);
    expect(await bringBack(other, callback, begun)).toBe(200);
    expect(await subjectOf(other, key)).toBe('alice');
    await waitFor(async () => (await call(one, key)).status === 200, 'the first gateway hears of the token');
    expect(one.upstream.subjects.at(-1)).toBe('alice');
    for (const node of [one, other]) expect(await bringBack(node, callback, begun)).toBe(400);
    expect(one.server.count(CODE)).toBe(before + 1);
    // An answer that comes again takes nothing away.
    for (const node of [one, other]) expect(await subjectOf(node, key)).toBe('alice');
  });

  test('an answer that reaches both at the same time is taken by one of them', async () => {
    const key = await newKey('at both');
    const begun = await follow(other, await call(other, key));
    const callback = await one.server.browse(begun.authorizeUrl);
    const before = one.server.count(CODE);
    const answers = await Promise.all([one, other, one, other].map((node) => bringBack(node, callback, begun)));
    expect(answers.toSorted((a, b) => a - b)).toEqual([200, 400, 400, 400]);
    expect(one.server.count(CODE)).toBe(before + 1);
    for (const node of [one, other])
      await waitFor(async () => (await call(node, key)).status === 200, 'both gateways know the token');
  });

  test('what is revoked at one is used by the other no more, and a sign-in from before brings nothing back', async () => {
    const key = await newKey('revoked');
    expect((await signIn(one, key, 'bob')).status).toBe(200);
    await waitFor(async () => (await call(other, key)).status === 200, 'the other gateway hears of the token');
    const [session] = await listSessions(other.gateway, `kind=token&identity=${key.id}`);
    const path = `/api/mcp/sessions/${session?.id}`;
    const late = await follow(one, await renew(one, path));
    const callback = await one.server.browse(late.authorizeUrl);
    expect((await other.gateway.api('DELETE', path)).status).toBe(204);
    requiredIn(await call(other, key));
    await waitFor(async () => isAsked(await call(one, key)), 'the revocation is in force at the first gateway');
    for (const node of [one, other]) expect(await bringBack(node, callback, late)).toBe(400);
    for (const node of [one, other])
      expect(await listSessions(node.gateway, `kind=token&identity=${key.id}`)).toEqual([]);
  });

  test('a token that is over is renewed by one of them, and no refresh token is ever sent twice', async () => {
    const key = await newKey('renewed');
    expect((await signIn(one, key, 'carol')).status).toBe(200);
    await waitFor(async () => (await call(other, key)).status === 200, 'the other gateway hears of the token');
    const before = one.server.tokenRequests.length;
    const rounds = 3;
    for (let round = 1; round <= rounds; round += 1) {
      await endTokenOf(key);
      const calls = [one, other].flatMap((node) => Array.from({ length: 5 }, () => call(node, key)));
      expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 200));
      const sent = one.server.tokenRequests.slice(before).map((form) => form.get('refresh_token'));
      expect([sent.length, new Set(sent).size]).toEqual([round, round]);
    }
    expect(one.server.count(REFRESH)).toBe(rounds);
    expect(one.upstream.subjects.at(-1)).toBe('carol');
  });

  test('a sign-in or a link whose time is over leads nowhere, and the next call gives another', async () => {
    const key = await newKey('late');
    const refused = await call(one, key);
    const begun = await follow(one, refused);
    const callback = await one.server.browse(begun.authorizeUrl);
    const before = one.server.count(CODE);
    const end = { expires_at: Date.now() - 1 };
    await database.db.updateTable('oauth_flows').set(end).where('identity', '=', key.id).execute();
    for (const node of [one, other]) expect(await bringBack(node, callback, begun)).toBe(400);
    await database.db.updateTable('header_flows').set(end).where('identity', '=', key.id).execute();
    const link = requiredIn(refused);
    const fields = { flow: link.session_id ?? '', token: tokenIn(link.authorize_url ?? '') };
    for (const node of [one, other]) expect((await post(node, fields)).text).toMatch(/time is over/);
    expect(one.server.count(CODE)).toBe(before);
    const again = await call(other, key);
    expect(requiredIn(again).session_id).not.toBe(link.session_id);
    expect((await signIn(other, key, 'dora')).status).toBe(200);
    expect(await subjectOf(other, key)).toBe('dora');
  });

  /** Lets the token be over, as far as both gateways know. */
  async function endTokenOf({ id }: TestKey): Promise<void> {
    const ended = Date.now() - 1_000;
    await database.db.updateTable('oauth_tokens').set({ expires_at: ended }).where('identity', '=', id).execute();
    await changes.publish('oauth_tokens', '*');
    const knows = async ({ gateway }: PersonalOAuthScene): Promise<boolean> => {
      const [session] = await listSessions(gateway, `kind=token&identity=${id}`);
      return Date.parse(session?.expires_at ?? '') === ended;
    };
    for (const node of [one, other]) await waitFor(() => knows(node), 'both gateways know that the token is over');
  }
});
