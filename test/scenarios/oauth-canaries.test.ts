import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { httpClient, type ApiAnswer } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { requiredIn, tokenIn } from '../kit/personal.ts';
import { call, follow, startPersonalOAuth, type PersonalOAuthScene } from '../kit/personal-oauth.ts';
import { callText } from '../kit/scene.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { waitFor } from '../kit/wait.ts';

const CLIENT = {
  client_id: 'given',
  client_secret: 'a-client-secret-0a51c7e2',
  // Of a native application, so that any port of this machine will do.
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/api/oauth/callback'],
  token_endpoint_auth_method: 'client_secret_post',
} as const;

/** What the management API says of all this, in every way it can be asked. */
async function readAll({ gateway, id }: PersonalOAuthScene, sharedId: string): Promise<string> {
  const { config } = await gateway.getClient(id);
  const answers: ApiAnswer[] = [];
  for (const path of [
    ...[
      '/api/mcp/clients',
      '/api/mcp/sessions',
      '/api/config',
      '/api/audit-logs?limit=100',
      '/api/mcp-logs',
      '/metrics',
    ],
    ...[`/api/oauth/config/${config.oauth_config_id}/status`, '/api/oauth/config/unknown/status'],
  ])
    answers.push(await gateway.api('GET', path));
  const { body } = await gateway.api('GET', '/api/mcp-logs');
  for (const row of body['logs'] as { id: string }[]) answers.push(await gateway.api('GET', `/api/mcp-logs/${row.id}`));
  for (const each of [id, sharedId]) answers.push(await gateway.api('POST', `/api/mcp/client/${each}/diagnose`));
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(8);
  return JSON.stringify(answers.map((answer) => answer.body));
}

/** Registers a server for all callers with a secret that somebody was given for the gateway. */
async function registerShared({ gateway, server, upstream }: PersonalOAuthScene): Promise<string> {
  const { client_id, client_secret } = CLIENT;
  const oauth_config = { client_id, client_secret };
  const record = httpClient(upstream.url, { name: 'shared', auth_type: 'oauth', oauth_config });
  const { body } = await gateway.api('POST', '/api/mcp/client', record);
  await fetch(await server.browse(String(body['authorize_url'])));
  const { status } = await gateway.api('POST', String(body['complete_url']));
  expect(status).toBe(200);
  return String(body['mcp_client_id']);
}

test('no token, code, verifier, state, secret or link of a sign-in is in a log, an answer, a record or a file', async () => {
  await using folder = await temporaryFolder();
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const secrets = new Map<string, string>([[CLIENT.client_secret, 'the client secret']]);
  let shown = '';
  {
    const logger = pino({ level: 'trace' }, sink);
    const options = { clients: [CLIENT].map((client) => ({ ...client, redirect_uris: [...client.redirect_uris] })) };
    await using scene = await startPersonalOAuth({ appDir: folder.path, logger }, options);
    const { gateway, server, upstream } = scene;
    const key = await createKey(gateway, 'one');
    const sharedId = await registerShared(scene);
    expect(await callText(gateway, 'shared-echo', { text: 'hi' })).toBe('hi');

    const signIn = async (): Promise<string> => {
      const refused = await call(scene, key);
      secrets.set(tokenIn(requiredIn(refused).authorize_url ?? ''), 'the token of a link');
      const { cookie, authorizeUrl } = await follow(scene, refused);
      secrets.set(cookie.split('=').slice(1).join('='), 'the cookie of a sign-in');
      secrets.set(new URL(authorizeUrl).searchParams.get('state') ?? '', 'the state of a sign-in');
      const callback = await server.browse(authorizeUrl);
      // In another browser, rightly, and once more.
      const pages = [{}, { cookie }, { cookie }].map(async (headers) => (await fetch(callback, { headers })).text());
      return (await Promise.all(pages)).join('');
    };
    shown += await signIn();
    shown += JSON.stringify((await call(scene, key)).body);
    shown += await fail(scene, key);
    shown += await readAll(scene, sharedId);
    for (const form of server.tokenRequests)
      for (const name of ['code', 'code_verifier', 'refresh_token', 'client_secret'])
        if (form.has(name)) secrets.set(form.get(name) ?? '', name);
    for (const token of upstream.tokens) secrets.set(token, 'an access token');
  }
  const files = await Promise.all(
    (await readdir(folder.path)).map((name) => readFile(join(folder.path, name), 'latin1')),
  );
  secrets.delete('');
  const kinds = ['the client secret', 'the token of a link', 'the cookie of a sign-in', 'the state of a sign-in'];
  for (const kind of [...kinds, 'code', 'code_verifier', 'refresh_token', 'an access token'])
    expect([...secrets.values()]).toContain(kind);
  const places = { 'an answer': shown, 'the log': lines.join(''), 'a file': files.join('') };
  for (const [place, text] of Object.entries(places)) {
    expect(text, place).not.toBe('');
    for (const [secret, kind] of secrets) if (text.includes(secret)) expect.fail(`${kind} is in ${place}: ${secret}`);
  }
});

/** Everything that goes wrong later, with a server that repeats what it was sent. */
async function fail(scene: PersonalOAuthScene, key: TestKey): Promise<string> {
  const { gateway, server, upstream } = scene;
  const answers: ApiAnswer[] = [];
  server.tokenFault = 503;
  upstream.upstream.admits = () => false;
  answers.push(await gateway.execute('shared-echo', { text: 'hi' }));
  answers.push(await gateway.execute('c1-echo', { text: 'hi' }, { authorization: `Bearer ${key.value}` }));
  server.tokenFault = undefined;
  await server.revokeAll();
  for (const token of upstream.tokens) upstream.withdrawn.add(token);
  answers.push(await gateway.execute('shared-echo', { text: 'hi' }));
  expect(answers.map(({ status }) => status).every((status) => status >= 400)).toBe(true);
  // After a failure the authorization server is left alone for a while.
  await waitFor(async () => (await call(scene, key)).status === 401, 'the caller is asked to sign in again');
  return JSON.stringify(answers.map(({ body }) => body));
}
