import { expect } from 'vitest';
import type { GatewayOptions } from '../../src/app.ts';
import type { DATABASES } from './databases.ts';
import { httpClient, startGateway, type ApiAnswer, type TestGateway } from './gateway.ts';
import { freshDatabase, type TestKey } from './keys.ts';
import { startOAuthServer, type OAuthServer, type OAuthServerOptions } from './oauth-server.ts';
import { startProtectedUpstream, type ProtectedUpstream } from './oauth-upstream.ts';
import { allowLinks, requiredIn, tokenIn } from './personal.ts';

/** A gateway with the server "c1", to which each caller signs in, and the person who does. */
export interface PersonalOAuthScene extends AsyncDisposable {
  readonly server: OAuthServer;
  readonly upstream: ProtectedUpstream;
  readonly gateway: TestGateway;
  readonly id: string;
}

/** Starts it; the administrator has signed in for the list of tools. */
export async function startPersonalOAuth(
  database: GatewayOptions | (typeof DATABASES)[number],
  options: OAuthServerOptions = {},
): Promise<PersonalOAuthScene> {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startOAuthServer({ allowsRegistration: true, ...options }));
  const upstream = cleanup.use(await startProtectedUpstream(server));
  const gateway = await startGateway(typeof database === 'string' ? await freshDatabase(database) : database);
  cleanup.defer(() => gateway.close());
  await allowLinks(gateway);
  const record = { auth_type: 'per_user_oauth', oauth_config: {}, allow_on_all_virtual_keys: true };
  const { body } = await gateway.api('POST', '/api/mcp/client', httpClient(upstream.url, record));
  expect(body['status'], JSON.stringify(body)).toBe('pending_oauth');
  server.user = 'the admin';
  expect((await fetch(await server.browse(String(body['authorize_url'])))).status).toBe(200);
  const completed = await gateway.api('POST', String(body['complete_url']));
  expect(completed.status, JSON.stringify(completed.body)).toBe(200);
  const ending = cleanup.move();
  const id = String(body['mcp_client_id']);
  return { server, upstream, gateway, id, [Symbol.asyncDispose]: () => ending.disposeAsync() };
}

/** Calls the tool of the server with this key. */
export function call({ gateway }: Pick<PersonalOAuthScene, 'gateway'>, key: TestKey, account = ''): Promise<ApiAnswer> {
  const headers = { authorization: `Bearer ${key.value}`, 'x-asbru-account': account };
  return gateway.execute('c1-echo', { text: 'hi' }, headers);
}

/** Sends the form of the page that links lead to. */
export async function post(
  { gateway }: PersonalOAuthScene,
  fields: Record<string, string>,
): Promise<{ page: Response; text: string }> {
  const page = await fetch(`${gateway.address}/workspace/mcp-sessions/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: gateway.address },
    body: new URLSearchParams(fields).toString(),
  });
  return { page, text: await page.text() };
}

/** A sign-in that has begun: where it goes on, and what the browser must show at its end. */
export interface Forwarded {
  readonly cookie: string;
  readonly authorizeUrl: string;
}

/** Opens the link of a refused call and goes on, up to the authorization server. */
export async function follow(scene: PersonalOAuthScene, refused: ApiAnswer): Promise<Forwarded> {
  const { kind, authorize_url: url = '', session_id: flow = '' } = requiredIn(refused);
  expect(kind).toBe('oauth');
  const opened = await post(scene, { flow, token: tokenIn(url) });
  expect(opened.page.status, opened.text).toBe(200);
  expect(opened.text).toContain('Only go on if you asked for this yourself');
  const ticket = /name="ticket" value="([^"]+)"/.exec(opened.text)?.[1] ?? '';
  const { page, text } = await post(scene, { ticket });
  expect(page.status, text).toBe(200);
  const cookie = page.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/HttpOnly; SameSite=Lax/);
  const authorizeUrl = /href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect(authorizeUrl.startsWith(scene.server.issuer)).toBe(true);
  return { cookie: cookie.split(';')[0] ?? '', authorizeUrl };
}

/** Signs in as a person, beginning with a refused call; gives the page at the end. */
export async function signIn(scene: PersonalOAuthScene, key: TestKey, user: string, account = ''): Promise<Response> {
  const { cookie, authorizeUrl } = await follow(scene, await call(scene, key, account));
  scene.server.user = user;
  return fetch(await scene.server.browse(authorizeUrl), { headers: { cookie } });
}

/** Asks for the link under which a credential is renewed; as a refused call has it. */
export async function renew({ gateway }: PersonalOAuthScene, path: string): Promise<ApiAnswer> {
  const answer = await gateway.api('POST', `${path}/reauth`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return { ...answer, status: 401, body: { extra_fields: { mcp_auth_required: answer.body } } };
}

/** As whom the server was called. */
export async function subjectOf(scene: PersonalOAuthScene, key: TestKey, account = ''): Promise<string | undefined> {
  const answer = await call(scene, key, account);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return scene.upstream.subjects.at(-1);
}
