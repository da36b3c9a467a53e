import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, setUp, signedIn } from '../kit/browser-session.ts';
import { createBrowser, registerClient, submit, type Browser } from '../kit/oauth-client.ts';
import { readLogs } from '../kit/logs.ts';
import { callText, startScene, type Scene } from '../kit/scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
  await scene.gateway.api('PUT', '/api/config', { client_config: { mcp_server_auth_mode: 'both' } });
  await setUp(scene.gateway);
});
afterAll(async () => scene[Symbol.asyncDispose]());

/** A browser in which this account is signed in to the dashboard. */
async function browserOf(username: string): Promise<Browser> {
  const browser = createBrowser();
  for (const [name, value] of (await signedIn(scene.gateway, username)).cookies) browser.cookies.set(name, value);
  return browser;
}

test('whoever is signed in to the dashboard lets a client act in their name, until they may no more', async () => {
  const { gateway } = scene;
  const id = await addUser(gateway, 'ann', 'admin');
  const browser = await browserOf('ann');
  const client = await registerClient(gateway.address);
  const page = await browser.open(client.authorizeUrl());
  expect(page.html).toContain('Allow, as ann');
  const back = new URL((await submit(browser, page.url, { action: 'user' })).location);
  const { body } = await client.token(client.codeFields(back.searchParams.get('code') ?? ''));
  const endpoint = { address: gateway.address, apiKey: String(body['access_token']) };

  expect(await callText(endpoint, 'c1-echo', { text: 'hi' })).toBe('hi');
  expect((await readLogs(gateway)).logs[0]).toMatchObject({ tool_name: 'echo', status: 'success' });
  const sessions = await gateway.api('GET', '/api/oauth2/sessions');
  expect(sessions.body).toMatchObject({ sessions: [{ principal: `user:${id}`, virtual_key: null }] });

  expect((await gateway.api('PUT', `/api/users/${id}`, { role: 'viewer' })).status).toBe(200);
  await expect(callText(endpoint, 'c1-echo', { text: 'hi' })).rejects.toThrow(/401|sign in again/);
  expect((await gateway.api('PUT', `/api/users/${id}`, { role: 'admin' })).status).toBe(200);
  expect(await callText(endpoint, 'c1-echo', { text: 'back' })).toBe('back');
  expect((await gateway.api('DELETE', `/api/users/${id}`)).status).toBe(200);
  await expect(callText(endpoint, 'c1-echo', { text: 'hi' })).rejects.toThrow(/401|sign in again/);
});

test('whose role may not use /mcp is not asked, and saying so all the same is refused', async () => {
  await addUser(scene.gateway, 'ben', 'viewer');
  const browser = await browserOf('ben');
  const client = await registerClient(scene.gateway.address);
  const page = await browser.open(client.authorizeUrl());
  expect(page.html).not.toContain('Allow, as');
  const answer = await submit(browser, page.url, { action: 'user' });
  expect([answer.status, answer.location]).toEqual([401, '']);
});
