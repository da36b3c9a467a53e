import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/kit/databases.ts';
import { newPkce } from '../../../test/kit/oauth-client.ts';
import { DEFAULT_SETTINGS, type ClientSettings } from '../../contract/client-settings.ts';
import type { KeyCaller } from '../../governance/policy.ts';
import { createEncryption, KEY_BYTES } from '../../lib/encryption.ts';
import { createChanges } from '../../store/changes.ts';
import { createOAuthModelStore } from '../../store/oauth-models.ts';
import { createOAuthSessionStore } from '../../store/oauth-sessions.ts';
import { createSettingsStore } from '../../store/settings.ts';
import { createSigningKeyStore } from '../../store/signing-keys.ts';
import { createAuthority, type Authority, type AuthorityDeps } from './authority.ts';

const headers = { host: '127.0.0.1:8080' };
const caller = {
  kind: 'virtual_key',
  principal: 'virtual-key:1',
  name: 'k',
  scopes: ['mcp'],
  key: { id: '1', name: 'k', isActive: true, expiresAt: undefined },
} as unknown as KeyCaller;
const PKCE = newPkce();

let database: TestDatabase;
afterEach(() => database.close());

async function start(changes: Partial<AuthorityDeps> = {}, client: Partial<ClientSettings> = {}) {
  database = await openTestDatabase('sqlite');
  const encryption = createEncryption(randomBytes(KEY_BYTES));
  const notices = await createChanges(database, () => {});
  const sessions = createOAuthSessionStore(database.db);
  const settings: ClientSettings = { ...DEFAULT_SETTINGS, mcp_server_auth_mode: 'both', ...client };
  const authority = createAuthority({
    settings: () => settings,
    database,
    models: createOAuthModelStore(database.db, encryption),
    sessions,
    keys: createSigningKeyStore(createSettingsStore(database.db), encryption),
    policy: { findCallerById: (id) => (id === '1' ? caller : undefined) },
    changes: notices,
    fetch: () => Promise.reject(new Error('nothing is fetched here')),
    onError: (error) => expect.fail(String(error)),
    ...changes,
  });
  return { authority, sessions, changes: notices };
}

const DOCUMENT = {
  client_id: 'https://client.example.com/client.json',
  client_name: 'Of the document',
  redirect_uris: ['http://127.0.0.1/callback'],
};

function authorizePath(clientId: string): string {
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: 'http://127.0.0.1:4321/callback',
    code_challenge: PKCE.challenge,
    code_challenge_method: 'S256',
    scope: 'mcp',
    state: 's',
  };
  return `/oauth2/authorize?${new URLSearchParams(parameters).toString()}`;
}

/** A token for the key, by way of a client that is a document. */
async function signIn(authority: Authority): Promise<string> {
  const server = await authority.serverFor(headers);
  const begun = await server.ask({ method: 'GET', path: authorizePath(DOCUMENT.client_id) });
  const id = new URL(begun.location ?? '', server.issuer).searchParams.get('flow') ?? '';
  const back = new URL(await server.decide(id, { principal: 'virtual-key:1' }));
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: DOCUMENT.client_id,
    redirect_uri: 'http://127.0.0.1:4321/callback',
    code: back.searchParams.get('code') ?? '',
    code_verifier: PKCE.verifier,
  }).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await server.ask({ method: 'POST', path: '/oauth2/token', headers: type, body });
  return String((answer.body as { access_token?: string }).access_token);
}

const documents = (document: object) => ({
  fetch: async (url: string | URL | Request) => {
    expect(url).toBe(DOCUMENT.client_id);
    return new Response(JSON.stringify(document), { headers: { 'content-type': 'application/json' } });
  },
});

test('a client that is a document on the web (CIMD) needs no registration', async () => {
  const { authority } = await start(documents(DOCUMENT));
  const server = await authority.serverFor(headers);
  const { location } = await server.ask({ method: 'GET', path: authorizePath(DOCUMENT.client_id) });
  const id = new URL(location ?? '', server.issuer).searchParams.get('flow') ?? '';
  expect(await server.findSignIn(id)).toMatchObject({ clientId: DOCUMENT.client_id, clientName: 'Of the document' });
  const token = await signIn(authority);
  const verified = await authority.callerOf(token, headers);
  expect(verified).toBe(caller);
});

test.each([
  ['a document of another address', { ...DOCUMENT, client_id: 'https://other.example.com/client.json' }],
  ['a document without that redirect address', { ...DOCUMENT, redirect_uris: ['https://other.example.com/'] }],
])('%s lets nobody in', async (_name, document) => {
  const { authority } = await start(documents(document));
  const server = await authority.serverFor(headers);
  const answer = await server.ask({ method: 'GET', path: authorizePath(DOCUMENT.client_id) });
  expect([answer.status, answer.location]).toEqual([400, undefined]);
});

test('a document on this machine or in this network is not fetched', async () => {
  const { authority } = await start();
  const server = await authority.serverFor(headers);
  for (const host of ['127.0.0.1', '[::1]', '169.254.169.254', 'localhost', '10.0.0.1']) {
    const answer = await server.ask({ method: 'GET', path: authorizePath(`https://${host}/client.json`) });
    expect([answer.status, answer.location]).toEqual([400, undefined]);
  }
});

test('after a rotation of the key, new tokens are signed with the new one and old ones go on until they end', async () => {
  const { authority } = await start(documents(DOCUMENT));
  const before = await signIn(authority);
  const { publicKey } = await authority.loadKeys();
  await authority.rotateKey();
  expect((await authority.loadKeys()).publicKey.kid).not.toBe(publicKey.kid);
  const after = await signIn(authority);
  const kidOf = (token: string) =>
    String(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid);
  expect([kidOf(before), kidOf(after)]).toEqual([publicKey.kid, (await authority.loadKeys()).publicKey.kid]);
  for (const token of [before, after]) expect(await authority.callerOf(token, headers)).toBe(caller);
  await authority.rotateKey();
  // Two keys back, nothing is taken any more.
  await expect(Promise.resolve().then(() => authority.callerOf(before, headers))).rejects.toThrow('another key');
});

test('a fault while a token is checked refuses it', async () => {
  const { authority, sessions } = await start(documents(DOCUMENT));
  const token = await signIn(authority);
  Object.assign(sessions, { find: () => Promise.reject(new Error('no database')) });
  await expect(authority.callerOf(token, headers)).rejects.toThrow('no database');
});

test('a session that ends while its token is checked is not remembered as good', async () => {
  const { authority, sessions, changes } = await start(documents(DOCUMENT));
  const token = await signIn(authority);
  const { find } = sessions;
  let reads = 0;
  Object.assign(sessions, {
    async find(id: string) {
      const found = await find(id);
      reads += 1;
      if (reads === 1) await changes.publish('oauth_sessions', id);
      return found;
    },
  });
  for (const expected of [1, 2, 2]) {
    expect(await authority.callerOf(token, headers)).toBe(caller);
    expect(reads).toBe(expected);
  }
});

test('the address is taken from the request on this machine only; elsewhere it must be configured', async () => {
  const { authority } = await start();
  expect(authority.issuerFor({ host: 'localhost:8080' })).toBe('http://localhost:8080');
  expect(authority.issuerFor({ host: '[::1]:8080' })).toBe('http://[::1]:8080');
  for (const host of ['gateway.example.com', '10.0.0.5:8080', 'localhost.evil.example', 'a b', undefined])
    expect(authority.issuerFor({ host })).toBeUndefined();
  expect(authority.challenge({ host: 'gateway.example.com' })).toBeUndefined();
  await expect(authority.serverFor({ host: 'gateway.example.com' })).rejects.toThrow('issuer_url');
  await database.close();
  const { authority: configured } = await start({}, { mcp_external_server_url: 'https://gateway.example.com/mcp' });
  expect(configured.issuerFor({ host: '10.0.0.5' })).toBe('https://gateway.example.com');
});

test('where accounts are, a user is whom the client calls for', async () => {
  const user = { ...caller, principal: 'user:7', key: undefined } as unknown as KeyCaller;
  const users = {
    userOf: () => Promise.resolve({ id: '7', name: 'Ada' }),
    callerOf: (id: string) => (id === '7' ? user : undefined),
  };
  const { authority } = await start({ ...documents(DOCUMENT), users });
  const server = await authority.serverFor(headers);
  const { location } = await server.ask({ method: 'GET', path: authorizePath(DOCUMENT.client_id) });
  const id = new URL(location ?? '', server.issuer).searchParams.get('flow') ?? '';
  const back = new URL(await server.decide(id, { principal: 'user:7' }));
  expect(back.searchParams.get('code')).toBeTruthy();
});
