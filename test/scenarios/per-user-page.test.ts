import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, type TestKey } from '../kit/keys.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import {
  allowLinks,
  listSessions,
  requiredIn,
  startPersonalScene,
  tokenIn,
  type PersonalScene,
} from '../kit/personal.ts';

let scene: PersonalScene;
let number = 0;
beforeAll(async () => {
  scene = await startPersonalScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

interface Shown {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** As a browser that knows nothing but a link: no credential, no script. */
async function browse(
  url: string,
  fields?: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Shown> {
  const body = fields && new URLSearchParams(fields).toString();
  const form = { 'content-type': 'application/x-www-form-urlencoded', origin: scene.gateway.address };
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body === undefined ? {} : form), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function field({ text }: Shown, name: string): string {
  return new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(text)?.[1] ?? '';
}

async function link(name = `k${(number += 1)}`): Promise<{ url: string; flow: string; token: string; key: TestKey }> {
  const key = await createKey(scene.gateway, name);
  const answer = await scene.gateway.execute('c1-whoami', {}, { authorization: `Bearer ${key.value}` });
  const { submit_url: url = '', session_id: flow = '' } = requiredIn(answer);
  return { url, flow, token: tokenIn(url), key };
}

const pageUrl = () => `${scene.gateway.address}/workspace/mcp-sessions/auth`;

/** The form that a link opens. */
async function openForm(): Promise<{ form: Shown; ticket: string; key: TestKey }> {
  const { flow, token, key } = await link();
  const form = await browse(pageUrl(), { flow, token });
  expect(form.status, form.text).toBe(200);
  return { form, ticket: field(form, 'ticket'), key };
}

test('every page forbids everything but its own style and script, and may be framed by nobody', async () => {
  const { url } = await link();
  const { form, ticket } = await openForm();
  const pages = [
    await browse(url),
    form,
    await browse(pageUrl(), { flow: 'none', token: 'none' }),
    await browse(pageUrl(), { ticket, 'header:x-user-token': '' }),
  ];
  for (const { headers, text } of pages) {
    const policy = headers.get('content-security-policy') ?? '';
    const [, nonce = 'none'] = /style-src 'nonce-([^']+)'/.exec(policy) ?? [];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text).toContain(`<style nonce="${nonce}">`);
    expect(text).toContain('<html lang="en">');
    expect(text.match(/<h1>/g)).toHaveLength(1);
    for (const [, id] of text.matchAll(/<input\s[^>]*?id="([^"]+)"/g)) expect(text).toContain(`<label for="${id}">`);
    expect(text).not.toMatch(/\son\w+=|javascript:|https?:\/\//);
  }
  expect(form.text.match(/<label/g)).toHaveLength(2);
  const nonces = pages.map(({ text }) => /nonce="([^"]+)"/.exec(text)?.[1]);
  expect(new Set(nonces).size).toBe(nonces.length);
});

test('the form says whose values it asks for, hides what is typed, and takes it once', async () => {
  const { form, ticket, key } = await openForm();
  expect(form.text).toContain(`every call with the virtual key <strong>${key.name}</strong>`);
  expect(form.text).toContain('<label for="field-0">x-user-token</label>');
  expect(form.text).toMatch(
    /<input\s+id="field-0"\s+name="header:x-user-token"\s+type="password"\s+autocomplete="off"/,
  );
  expect(form.text).not.toContain('<script');

  const empty = await browse(pageUrl(), { ticket, 'header:x-user-token': '' });
  expect(empty.status).toBe(400);
  expect(empty.text).toContain('role="alert"');
  const wrong = await browse(pageUrl(), { ticket, 'header:x-user-token': 'wrong-token', account: '<b>"' });
  expect(wrong.status).toBe(400);
  const refused = await browse(pageUrl(), { ticket, 'header:x-user-token': 'wrong-token' });
  expect(refused.status).toBe(422);
  expect(refused.text).not.toContain('wrong-token');

  scene.known.add('token-from-a-page');
  const fields = { ticket, 'header:x-user-token': 'token-from-a-page', account: 'work' };
  const done = await browse(pageUrl(), fields);
  expect(done.status, done.text).toBe(200);
  expect(done.text).toContain('x-asbru-account: work');
  expect((await browse(pageUrl(), fields)).status).toBe(410);
  const headers = { authorization: `Bearer ${key.value}` };
  const answer = await scene.gateway.execute('c1-whoami', {}, headers);
  expect(String(answer.body['content'])).toContain('token-from-a-page');
  expect(await listSessions(scene.gateway, `identity=${key.id}`)).toMatchObject([{ label: 'work', status: 'active' }]);
});

test('a link opens one form: not with the token of another, not without one, not when its time is over', async () => {
  const [one, two] = [await link(), await link()];
  for (const token of [two.token, '', 'x', `${one.token}x`]) {
    const answer = await browse(pageUrl(), { flow: one.flow, token });
    expect(answer.status, token).toBe(401);
    expect(answer.text).not.toContain('x-user-token');
  }
  for (const ticket of ['', 'x', one.token]) expect((await browse(pageUrl(), { ticket })).status).toBe(401);
  // What there is at an address is the same for everybody who only knows the address.
  const strip = ({ text }: Shown) => text.replaceAll(/nonce="[^"]*"|value="[^"]*"/g, '');
  const [known, unknown] = [await browse(one.url), await browse(`${pageUrl()}?flow=none&kind=headers`)];
  expect([known.status, strip(known)]).toEqual([unknown.status, strip(unknown)]);
  await scene.gateway.api('DELETE', `/api/mcp/sessions/${one.flow}`);
  const gone = await browse(pageUrl(), { flow: one.flow, token: one.token });
  expect(gone.status).toBe(404);
  expect(gone.text).toContain('used before, or its time is over');
});

test('a name in a page is text, whatever it is', async () => {
  const { flow, token } = await link(`<script>alert("1")</script>&'`);
  const { text } = await browse(pageUrl(), { flow, token });
  expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;');
  expect(text).not.toContain('<script>alert');
  expect((await browse(`${pageUrl()}?flow=%22%3E%3Cscript%3Ealert(1)`)).text).not.toContain('<script>alert');
});

test('an administrator opens a form without the token; a foreign page or another kind of body does not', async () => {
  const { url, flow, token } = await link();
  const [bare = ''] = url.split('#');
  const authorization = `Bearer ${scene.gateway.apiKey}`;
  const shown = await browse(bare, undefined, { authorization });
  expect(field(shown, 'ticket')).not.toBe('');
  expect((await browse(bare, undefined, { authorization: 'Bearer bfst-wrong' })).text).not.toContain('x-user-token');
  expect((await browse(pageUrl(), { flow, token }, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await browse(pageUrl(), { flow, token }, { 'content-type': 'text/plain' })).status).toBe(415);
  const put = await fetch(pageUrl(), { method: 'PUT' });
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
});

test('without the setting a link opens nothing by itself', async () => {
  await allowLinks(scene.gateway, { mcp_enable_temp_token_auth: false });
  const { url, token } = await link();
  expect([url.includes('#'), token]).toEqual([false, '']);
  await allowLinks(scene.gateway);
});

test('the base of a link is the public address where one is set', async () => {
  await allowLinks(scene.gateway, { mcp_external_client_url: 'https://gateway.example/base/' });
  const { url } = await link();
  expect(url).toMatch(/^https:\/\/gateway\.example\/base\/workspace\/mcp-sessions\/auth\?flow=/);
  await allowLinks(scene.gateway, { mcp_external_client_url: '' });
});

test('who keeps guessing has to wait', async () => {
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 40 * NODE_COUNT; attempt += 1)
    statuses.push((await browse(pageUrl(), { flow: 'some', token: `guess ${attempt}` })).status);
  expect(statuses).toContain(429);
  expect(statuses.at(-1)).toBe(429);
});
