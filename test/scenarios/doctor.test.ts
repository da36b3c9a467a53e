import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Diagnosis, DiagnosisStep } from '../../src/contract/diagnosis.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { startOAuthServer, type OAuthServer } from '../kit/oauth-server.ts';
import { startProtectedUpstream, type ProtectedUpstream } from '../kit/oauth-upstream.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

interface DoctorScene extends AsyncDisposable {
  readonly server: OAuthServer;
  /** How the authorization server is set up; may be changed at any time. */
  readonly options: { announcesPkce: boolean; announcesIss: boolean };
  readonly upstream: ProtectedUpstream;
  readonly gateway: TestGateway;
  readonly id: string;
}

const CANARY = 'canary-8f1c2e7a90b4';
const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** A gateway that is signed in to a server, with a secret in its headers and one in its address. */
async function startDoctorScene(): Promise<DoctorScene> {
  await using cleanup = new AsyncDisposableStack();
  const options = { announcesPkce: true, announcesIss: true };
  const server = cleanup.use(await startOAuthServer(options));
  const upstream = cleanup.use(await startProtectedUpstream(server));
  const gateway = cleanup.use(await startGateway());
  const more = { auth_type: 'oauth', oauth_config: {}, headers: { 'x-tenant': `tenant-${CANARY}` } };
  const created = await gateway.api('POST', '/api/mcp/client', httpClient(`${upstream.url}?key=${CANARY}`, more));
  expect(created.status, JSON.stringify(created.body)).toBe(200);
  const pending = created.body;
  expect((await fetch(await server.browse(String(pending['authorize_url'])))).status).toBe(200);
  const completed = await gateway.api('POST', String(pending['complete_url']));
  expect(completed.status, JSON.stringify(completed.body)).toBe(200);
  const running = cleanup.move();
  return {
    ...{ server, options, upstream, gateway, id: String(pending['mcp_client_id']) },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Asks for a diagnosis, and looks for everything secret in it. */
async function diagnose({ gateway, id, server, upstream }: DoctorScene): Promise<Diagnosis> {
  const { status, body } = await gateway.api('POST', `/api/mcp/client/${id}/diagnose`);
  const text = JSON.stringify(body);
  expect(status, text).toBe(200);
  const names = ['code', 'code_verifier', 'refresh_token', 'client_secret'];
  const sent = server.tokenRequests.flatMap((form) => names.map((name) => form.get(name) ?? ''));
  const secrets = [CANARY, gateway.apiKey, ...upstream.tokens, ...sent].filter((secret) => secret !== '');
  expect(secrets.length).toBeGreaterThan(4);
  for (const secret of secrets) expect(text).not.toContain(secret);
  return body as unknown as Diagnosis;
}

/** The steps that failed. Each must say what to do. */
function failures({ steps }: Diagnosis): DiagnosisStep[] {
  const failed = steps.filter(({ ok }) => !ok);
  for (const { step, hint } of failed) expect(hint, step).toMatch(/\w/);
  return failed;
}

/** Runs `asbru doctor …` in a process of its own. */
async function doctor({ gateway }: Pick<DoctorScene, 'gateway'>, ...args: string[]) {
  const child = spawn(process.execPath, [main, 'doctor', ...args], {
    env: { ...process.env, ASBRU_URL: gateway.address, ASBRU_API_KEY: gateway.apiKey },
  });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (out.stdout += String(data)));
  child.stderr.on('data', (data) => (out.stderr += String(data)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...out };
}

test('a server in order: every step with what was sent, what came back and its rule', async () => {
  await using scene = await startDoctorScene();
  const before = (await scene.gateway.api('GET', '/api/audit-logs')).body;
  const diagnosis = await diagnose(scene);
  expect(failures(diagnosis)).toEqual([]);
  expect(diagnosis).toMatchObject({
    mcp_client_id: scene.id,
    is_ok: true,
    verdict: '"c1" is signed in to, and every step of it is in order',
    token: { status: 'active', scopes: ['tools'], expires_at: expect.any(String) as string },
  });
  const now = diagnosis.steps.filter(({ source }) => source === 'now');
  expect(now.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
    'probe ok',
    'protected_resource_metadata ok',
    'authorization_server_metadata ok',
    'pkce ok',
    'issuer_parameter ok',
    'registration_ways ok',
    'token_state ok',
  ]);
  const recorded = diagnosis.steps.filter(({ source }) => source === 'recorded');
  expect(recorded.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
    'registration ok',
    'authorization_request ok',
    'authorization_response ok',
    'token ok',
  ]);
  expect(now[2]).toMatchObject({
    request: { method: 'GET', url: expect.stringContaining(scene.server.issuer) as string },
    response: { status: 200, body: { issuer: scene.server.issuer, code_challenge_methods_supported: ['S256'] } },
    rule: expect.stringContaining('RFC 8414') as string,
  });
  for (const { step, rule } of diagnosis.steps) expect(rule, step).toMatch(/MCP|OAuth|RFC|token/);
  expect((await scene.gateway.api('GET', '/api/audit-logs')).body).toEqual(before);
  expect((await scene.gateway.getClient(scene.id)).state).toBe('connected');

  const { code, stdout } = await doctor(scene, 'c1');
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^"c1" is signed in to, /) as string });
  expect(stdout).toMatch(/\n {2}\+ probe {2}POST \S+ {2}-> 401\n/);
  expect(stdout).toMatch(/\ntoken: active, until \S+, can(?:not)? be refreshed, scopes: tools\n$/);
  expect(stdout).not.toContain(CANARY);
});

test('an authorization server without S256', async () => {
  await using scene = await startDoctorScene();
  scene.options.announcesPkce = false;
  const diagnosis = await diagnose(scene);
  expect(failures(diagnosis)).toMatchObject([
    {
      step: 'authorization_server_metadata',
      rule: expect.stringContaining('PKCE with S256') as string,
      detail: `the authorization server ${scene.server.issuer} does not support PKCE with S256`,
      hint: expect.stringContaining('code_challenge_methods_supported') as string,
    },
  ]);
  expect(diagnosis.is_ok).toBe(false);
  expect(diagnosis.verdict).toContain('does not support PKCE with S256');
});

test('an authorization server that does not announce iss is no failure', async () => {
  await using scene = await startDoctorScene();
  scene.options.announcesIss = false;
  const diagnosis = await diagnose(scene);
  expect(diagnosis.is_ok).toBe(true);
  expect(diagnosis.steps.find(({ step }) => step === 'issuer_parameter')).toMatchObject({ outcome: 'skipped' });
});

test('metadata about another resource', async () => {
  await using scene = await startDoctorScene();
  scene.upstream.resource = 'https://elsewhere.example/mcp';
  const diagnosis = await diagnose(scene);
  expect(failures(diagnosis)).toMatchObject([
    {
      step: 'protected_resource_metadata',
      rule: expect.stringContaining('RFC 9728 §3.3') as string,
      detail: `the server says that it is "https://elsewhere.example/mcp", not ${scene.upstream.url}?…`,
      hint: expect.stringContaining('Correct "resource"') as string,
    },
  ]);
});

test('an authorization server that cannot be reached, or is another than before', async () => {
  await using scene = await startDoctorScene();
  scene.upstream.authorizationServers = ['http://127.0.0.1:1'];
  const unreachable = await diagnose(scene);
  expect(failures(unreachable)).toMatchObject([
    {
      step: 'authorization_server_metadata',
      request: { method: 'GET', url: expect.stringContaining('http://127.0.0.1:1/.well-known/') as string },
      detail: expect.stringContaining('cannot ask http://127.0.0.1:1') as string,
      hint: expect.stringContaining('reach the authorization server') as string,
    },
  ]);
  const { code, stdout } = await doctor(scene, scene.id);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^"c1": authorization_server_metadata failed: cannot ask /);
  expect(stdout).toMatch(/\n {2}- authorization_server_metadata .+\n {6}rule: RFC 8414.+\n {6}what to do: .+\n/);

  await using other = await startOAuthServer();
  scene.upstream.authorizationServers = [other.issuer];
  expect(failures(await diagnose(scene))).toMatchObject([
    {
      step: 'registration_ways',
      rule: expect.stringContaining('never be used at another') as string,
      detail: `the server now names the authorization server ${other.issuer}; the gateway is registered at ${scene.server.issuer}`,
    },
  ]);
});

test('a refresh token that was refused', async () => {
  await using scene = await startDoctorScene();
  const { gateway, server, upstream } = scene;
  await server.revokeAll();
  for (const token of upstream.tokens) upstream.withdrawn.add(token);
  expect((await gateway.execute('c1-echo', { text: 'hi' })).status).toBeGreaterThanOrEqual(400);
  // What was recorded is written after the answer.
  await waitFor(async () => failures(await diagnose(scene)).length === 2, 'the refusal to be recorded');
  const diagnosis = await diagnose(scene);
  expect(failures(diagnosis)).toMatchObject([
    {
      step: 'refresh',
      source: 'recorded',
      request: { method: 'POST', url: `${server.issuer}/token`, body: { grant_type: 'refresh_token' } },
      response: { status: 400, body: { error: 'invalid_grant' } },
      rule: 'RFC 6749 §6',
      hint: expect.stringContaining('Sign in again') as string,
    },
    { step: 'token_state', source: 'now', detail: expect.stringContaining('the token is needs_reauth') as string },
  ]);
  expect(diagnosis.token).toMatchObject({ status: 'needs_reauth' });
  const { code, stdout } = await doctor(scene, 'c1', '--json');
  expect([code, failures(JSON.parse(stdout) as Diagnosis).length]).toEqual([1, 2]);
});

test('servers that do not use OAuth get a clear answer', async () => {
  await using scene = await startDoctorScene();
  await using open = await startUpstream();
  const { gateway, upstream } = scene;
  const openId = await gateway.createClient(httpClient(open.url, { name: 'open' }));
  const closedId = await gateway.createClient(httpClient(upstream.url, { name: 'closed', disabled: true }));
  expect(await diagnose({ ...scene, id: openId })).toMatchObject({
    is_ok: true,
    verdict: '"open" does not use OAuth (auth_type none)',
    token: null,
  });
  const closed = await diagnose({ ...scene, id: closedId });
  expect(closed.verdict).toBe('"closed": auth_type failed: the server answers 401, although auth_type is none');
  expect(failures(closed)).toMatchObject([
    { step: 'auth_type', hint: expect.stringContaining('Set auth_type to oauth') as string },
  ]);
});

test('a server that nobody has signed in to, one that is not there, and a wrong key', async () => {
  await using server = await startOAuthServer();
  await using upstream = await startProtectedUpstream(server);
  const entry = { ...httpClient(upstream.url), client_id: 'c1-id', auth_type: 'oauth' };
  await using gateway = await startGateway({ config: { mcp: { client_configs: [entry] } } });
  const { body } = await gateway.api('POST', '/api/mcp/client/c1-id/diagnose');
  expect(failures(body as unknown as Diagnosis)).toMatchObject([
    { step: 'token_state', hint: expect.stringContaining('initiate-verification') as string },
  ]);
  expect(server.count('POST /reg')).toBe(0);
  expect((await gateway.api('POST', '/api/mcp/client/nobody/diagnose')).status).toBe(404);
  const [nobody, stranger] = await Promise.all([
    doctor({ gateway }, 'nobody'),
    doctor({ gateway }, 'c1', '--key', 'wrong'),
  ]);
  expect(nobody).toEqual({
    code: 2,
    stdout: '',
    stderr: 'asbru doctor: there is no MCP client with the name or id "nobody"\n',
  });
  expect(stranger).toMatchObject({ code: 2, stdout: '' });
  expect(await doctor({ gateway })).toMatchObject({ code: 2, stdout: '' });
  expect(stranger.stderr).toContain('the gateway answered 401');
});

test('a sign-in that the person refused, beside a token that still serves', async () => {
  await using scene = await startDoctorScene();
  const { gateway, server, id } = scene;
  const { body } = await gateway.api('POST', `/api/mcp/client/${id}/reauthorize`);
  server.consents = false;
  expect((await fetch(await server.browse(String(body['authorize_url'])))).status).toBe(400);
  const diagnosis = await diagnose(scene);
  expect(failures(diagnosis)).toMatchObject([
    {
      step: 'authorization_response',
      source: 'recorded',
      detail: expect.stringContaining('access_denied') as string,
      hint: expect.stringContaining('consent') as string,
    },
  ]);
  expect(diagnosis.token).toMatchObject({ status: 'active' });
});
