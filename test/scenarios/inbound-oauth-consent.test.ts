import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, updateKey, type TestKey } from '../kit/keys.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import { createBrowser, registerClient, submit, type HandClient } from '../kit/oauth-client.ts';
import { startScene, type Scene } from '../kit/scene.ts';

const both = { config: { client: { mcp_server_auth_mode: 'both' } } };

let scene: Scene;
let key: TestKey;
let address: string;
let client: HandClient;

beforeAll(async () => {
  scene = await startScene({ gateway: both });
  address = scene.gateway.address;
  key = await createKey(scene.gateway, 'of the user');
  client = await registerClient(address);
});
afterAll(async () => scene[Symbol.asyncDispose]());

test('the address of one browser is of no use in another, nor without its cookie', async () => {
  const victim = createBrowser();
  const page = await createBrowser().open(client.authorizeUrl());
  expect(page.status).toBe(200);
  expect((await victim.open(page.url)).status).toBe(403);
  expect((await submit(victim, page.url, { action: 'vk', key: key.value })).status).toBe(403);
  const id = new URL(page.url).searchParams.get('flow') ?? '';
  const path = `/api/oauth2/consent/flows/${id}`;
  expect((await scene.gateway.api('GET', path)).status).toBe(403);
  expect((await scene.gateway.api('PUT', path, { mode: 'vk', value: key.value })).status).toBe(403);
  // The library would end the sign-in there, by a cookie that is no secret.
  const headers = { cookie: `_interaction_resume=${id}` };
  expect((await fetch(`${address}/oauth2/authorize/${id}`, { headers, redirect: 'manual' })).status).toBe(404);
});

test('a form of another site is refused', async () => {
  const browser = createBrowser();
  const page = await browser.open(client.authorizeUrl());
  const send = (headers: Record<string, string>) =>
    browser.open(page.url, { method: 'POST', headers, body: new URLSearchParams({ action: 'vk', key: key.value }) });
  expect((await send({ origin: 'https://evil.example.com' })).status).toBe(403);
  expect((await send({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
});

test('a key that is wrong, inactive or expired is named on the page, which stays', async () => {
  const browser = createBrowser();
  const page = await browser.open(client.authorizeUrl());
  const inactive = await createKey(scene.gateway, `off ${Math.random()}`);
  await updateKey(scene.gateway, inactive, { is_active: false });
  const expired = await createKey(scene.gateway, `late ${Math.random()}`, {
    expires_at: new Date(Date.now() + 50).toISOString(),
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  for (const [value, words] of [
    ['sk-bf-nobody', 'unknown'],
    ['', 'unknown'],
    [inactive.value, 'inactive'],
    [expired.value, 'has expired'],
  ] as const) {
    const again = await submit(browser, page.url, { action: 'vk', key: value });
    expect([again.status >= 400, again.location]).toEqual([true, '']);
    expect(again.html).toContain(words);
    expect(again.html).toContain('<label for="key">');
    if (value !== '') expect(again.html).not.toContain(value);
  }
  expect((await submit(browser, page.url, { action: 'vk', key: key.value })).location).toContain('code=');
});

test('who tries too many keys has to wait', async () => {
  const browser = createBrowser();
  const page = await browser.open(client.authorizeUrl());
  const statuses = new Set<number>();
  // Each node counts for itself.
  for (let attempt = 0; attempt < 12 * NODE_COUNT; attempt += 1)
    statuses.add((await submit(browser, page.url, { action: 'vk', key: `sk-bf-${attempt}` })).status);
  expect(statuses).toEqual(new Set([401, 429]));
});

test('a no goes back to the client', async () => {
  const browser = createBrowser();
  const page = await browser.open(client.authorizeUrl());
  const { location } = await submit(browser, page.url, { action: 'deny' });
  expect(new URL(location).searchParams.get('error')).toBe('access_denied');
  expect((await browser.open(page.url)).status).toBe(404);
});

test('programs decide through the API, in the browser that began', async () => {
  const browser = createBrowser();
  const page = await browser.open(client.authorizeUrl());
  const id = new URL(page.url).searchParams.get('flow') ?? '';
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const path = `/api/oauth2/consent/flows/${id}`;
  const headers = { cookie, authorization: '' };
  const shown = await scene.gateway.api('GET', path, undefined, headers);
  expect(shown.body).toMatchObject({
    id,
    client_name: 'Test client',
    redirect_host: '127.0.0.1:7777',
    modes: ['vk'],
  });
  const wrong = await scene.gateway.api('PUT', path, { mode: 'vk', value: 'sk-bf-x' }, headers);
  expect(wrong.status).toBe(401);
  const { body } = await scene.gateway.api('PUT', path, { mode: 'vk', value: key.value }, headers);
  const code = new URL(String(body['redirect_url'])).searchParams.get('code') ?? '';
  expect((await client.token(client.codeFields(code))).status).toBe(200);
});
