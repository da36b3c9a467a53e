import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addUser, PASSWORD, setUp } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { openChromium, openPage } from './chromium.ts';

let browser: Browser;
let gateway: TestGateway;
let page: Page;

beforeAll(async () => {
  [browser, gateway] = await Promise.all([openChromium(), startGateway()]);
  await setUp(gateway);
});

afterEach(() => page.context().close());

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
});

/** Signs in as another tab would. */
async function signIn(username = 'root'): Promise<void> {
  await page.request.post('/api/session/login', { data: { username, password: PASSWORD } });
}

/** A page that hears at once what others change. */
async function open(path: string, username?: string): Promise<void> {
  ({ page } = await openPage(browser, gateway.address));
  await signIn(username);
  await page.goto(path);
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
}

test('who is signed out by somebody else is led to the sign-in', async () => {
  const id = await addUser(gateway, 'eve', 'editor');
  await open('/workspace/providers', 'eve');
  await gateway.api('PUT', `/api/users/${id}`, { password: `${PASSWORD}-b` });
  await page.waitForURL(/\/login\?next=%2Fworkspace%2Fproviders/);
  await page.getByLabel('User name').waitFor();
});

test('a page goes on after another tab has signed in anew', async () => {
  await open('/workspace/settings');
  await page.getByLabel('Sign-in code lifetime').fill('210');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Configuration updated successfully').waitFor();
  await signIn();
  await page.getByLabel('Sign-in code lifetime').fill('220');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });
});

test('a draft outlives the session', async () => {
  await open('/workspace/settings');
  const lifetime = page.getByLabel('Sign-in code lifetime');
  const over = page.getByText('Your session has ended');
  for (const ttl of [88, 89]) {
    await lifetime.fill(`5${ttl}`);
    await page.context().clearCookies();
    await gateway.api('PUT', '/api/config', { client_config: { approval_ttl: ttl } });
    await over.waitFor();
    if (ttl === 89) break;
    await signIn();
    await over.waitFor({ state: 'detached' });
    expect(await lifetime.inputValue()).toBe('588');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });
    await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  }
  await page.getByRole('button', { name: 'Leave without saving' }).click();
  await page.waitForURL(/\/login\?next=%2Fworkspace%2Fsettings/);
  await page.getByLabel('User name').waitFor();
});
