import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openBrowser, setUp, signedIn, type PageAnswer, type TestBrowser } from '../kit/browser-session.ts';
import { startScene, type Scene } from '../kit/scene.ts';
import { modernRequest } from '../kit/wire.ts';

const ACCEPT = { accept: 'application/json, text/event-stream' };
let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
  await setUp(scene.gateway);
});

afterAll(() => scene[Symbol.asyncDispose]());

/** Calls the tool that shows what it was sent, by whatever a page sends along. */
function whoami(send: TestBrowser['send'], extra: Record<string, string> = {}): Promise<PageAnswer> {
  const { message, headers } = modernRequest('tools/call', { name: 'c1-whoami', arguments: {} });
  return send('POST', '/mcp', message, { ...ACCEPT, ...headers, ...extra });
}

test('whoever is signed in calls tools from our own page, and the log names them', async () => {
  const browser = await signedIn(scene.gateway);
  const { status, body } = await whoami(browser.send);
  expect(status).toBe(200);
  expect(body['result']).toMatchObject({ resultType: 'complete', structuredContent: expect.any(Object) });
  await scene.gateway.api('GET', '/api/mcp-logs').then(({ body }) => {
    expect(body['logs']).toEqual([expect.objectContaining({ principal: expect.stringMatching(/^user:/) })]);
  });
});

test('what proves the page never reaches a server, even one that wants all headers', async () => {
  await scene.update({ allowed_extra_headers: ['*'] });
  const { body } = await whoami((await signedIn(scene.gateway)).send, { 'x-tag': 'kept' });
  const { structuredContent } = body['result'] as { structuredContent: Record<string, string> };
  expect(structuredContent).toMatchObject({ 'x-tag': 'kept' });
  expect(structuredContent).not.toHaveProperty('x-csrf-token');
  expect(structuredContent).not.toHaveProperty('cookie');
});

test('a cookie alone, a wrong token, a foreign page and a finished session are refused', async () => {
  const browser = await signedIn(scene.gateway);
  const calls = scene.upstream.countCalls();
  expect((await whoami(browser.bare)).status).toBe(401);
  const { body } = await browser.bare('GET', '/api/session/me');
  const proof = { 'x-csrf-token': String(body['csrf_token']) };
  expect((await whoami(browser.bare, proof)).status).toBe(403);
  expect((await whoami(browser.send, { 'x-csrf-token': 'guessed' })).status).toBe(403);
  expect((await whoami(browser.send, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await whoami(browser.send, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  const kept = new Map(browser.cookies);
  await browser.send('POST', '/api/session/logout');
  for (const [name, value] of kept) browser.cookies.set(name, value);
  const late = (...[method, path, body, headers]: Parameters<TestBrowser['send']>) =>
    browser.bare(method, path, body, { origin: scene.gateway.address, ...proof, ...headers });
  expect((await whoami(late)).status).toBe(401);
  expect(scene.upstream.countCalls()).toBe(calls);
});

test('a role without the scope is refused, and a key beside the session is what counts', async () => {
  await addUser(scene.gateway, 'looker', 'viewer');
  const viewer = await signedIn(scene.gateway, 'looker');
  const { status, text } = await whoami(viewer.send);
  expect(status).toBe(403);
  expect(text).toContain('mcp');
  const admin = await signedIn(scene.gateway);
  expect((await whoami(admin.send, { 'x-bf-vk': 'sk-bf-unknown' })).status).toBe(401);
  expect((await whoami(admin.send, { authorization: 'Bearer nothing' })).status).toBe(401);
});

test('headers that every call must have are demanded of pages too', async () => {
  const browser = await signedIn(scene.gateway);
  await scene.gateway.api('PUT', '/api/config', { client_config: { required_headers: ['X-Tenant'] } });
  expect((await whoami(browser.send)).text).toContain('X-Tenant');
  expect((await whoami(browser.send, { 'x-tenant': 'a' })).status).toBe(200);
  await scene.gateway.api('PUT', '/api/config', { client_config: { required_headers: [] } });
});

test('a page of ours where nobody is signed in is refused, also where keys are not demanded', async () => {
  await scene.gateway.api('PUT', '/api/config', { client_config: { enforce_auth_on_inference: false } });
  expect((await whoami(openBrowser(scene.gateway).send, { 'x-csrf-token': 'any' })).status).toBe(401);
  await scene.gateway.api('PUT', '/api/config', { client_config: { enforce_auth_on_inference: true } });
});
