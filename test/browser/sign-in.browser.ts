import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUp } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { startOAuthServer, type OAuthServer } from '../kit/oauth-server.ts';
import { startProtectedUpstream, type ProtectedUpstream } from '../kit/oauth-upstream.ts';
import { callText } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { findBarriers, openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

const cleanup = new AsyncDisposableStack();
let browser: Browser;
let gateway: TestGateway;
let server: OAuthServer;
let upstream: ProtectedUpstream;
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await openChromium();
  cleanup.defer(() => browser.close());
  server = cleanup.use(await startOAuthServer({ allowsRegistration: true }));
  upstream = cleanup.use(await startProtectedUpstream(server));
  gateway = cleanup.use(await startGateway());
  await setUp(gateway);
  ({ page, faults } = await openPage(browser, gateway.address));
  await signIn(page);
});

afterAll(() => cleanup.disposeAsync());

/** Opens the page of the authorization server, where the test's person signs in at once. */
async function signInThere(): Promise<void> {
  const opened = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Open the sign-in page' }).click();
  const popup = await opened;
  await popup.getByRole('heading', { name: 'Signed in' }).waitFor();
  await popup.close();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

test('a server that refuses is signed in to from the import, and is there when that is done', async () => {
  await page.goto('/workspace/start');
  const both = { wiki: { url: upstream.url }, gone: { url: 'http://127.0.0.1:9/mcp' } };
  await page.getByLabel('Paste a URL').fill(JSON.stringify({ mcpServers: both }));
  await page.getByRole('button', { name: 'Look at it' }).click();
  await page.getByRole('button', { name: 'Add 2 servers' }).click();
  const row = page
    .getByLabel('Found servers')
    .getByRole('listitem')
    .filter({ has: page.getByLabel('Add wiki') });
  await row.getByText('not added').waitFor();
  await row.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Waiting for the sign-in').waitFor();
  expect(await findBarriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Close' }).click();
  await row.getByText('sign-in needed').waitFor();
  expect(await gateway.listClients()).toEqual([]);

  await row.getByRole('button', { name: 'Sign in' }).click();
  await signInThere();
  await row.getByText('added', { exact: true }).waitFor();
  expect(await callText(gateway, 'wiki-echo', { text: 'hi' })).toBe('hi');
  // The other one is still there to be mended.
  await page.getByRole('button', { name: 'Add the server' }).waitFor();
  expect(faults).toEqual([]);
});

test('a server whose sign-in was withdrawn is signed in to once more', async () => {
  await server.revokeAll();
  for (const token of upstream.tokens) upstream.withdrawn.add(token);
  await gateway.execute('wiki-echo', { text: 'hi' });
  const [{ config } = { config: { client_id: '' } }] = await gateway.listClients();
  await waitFor(async () => (await gateway.getClient(config.client_id)).state === 'needs_reauth', 'the loss');
  await page.goto('/workspace/start');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await signInThere();
  await waitFor(async () => (await gateway.getClient(config.client_id)).state === 'connected', 'the connection');
  expect(await callText(gateway, 'wiki-echo', { text: 'back' })).toBe('back');
  expect(faults).toEqual([]);
});

test('a person who refuses is told so, and nothing is changed', async () => {
  const [before] = await gateway.listClients();
  server.consents = false;
  await page.goto(`/workspace/mcp-registry/${before?.config.client_id}`);
  await page.getByRole('button', { name: 'Sign in again' }).click();
  const opened = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Open the sign-in page' }).click();
  await (await opened).getByRole('heading', { name: 'The sign-in failed' }).waitFor();
  await page.getByText('access_denied').waitFor();
  expect(await callText(gateway, 'wiki-echo', { text: 'still' })).toBe('still');
  expect(faults).toEqual([]);
});
