import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, PASSWORD, setUp } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

const OTHER_PASSWORD = 'Another-horse-battery-7';
let browser: Browser;
let gateway: TestGateway;

beforeAll(async () => {
  [browser, gateway] = await Promise.all([openChromium(), startGateway()]);
  await setUp(gateway);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
});

test('a changed setting is sent alone, a refusal stands beside its field, and the audit shows before and after', async () => {
  const { page, faults } = await openAt('/workspace/settings');
  const sent: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PUT') sent.push(request.postDataJSON());
  });
  await page.getByLabel('Access token lifetime').fill('0');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('must be at least 1').waitFor();
  expect(await page.getByLabel('Access token lifetime').getAttribute('aria-invalid')).toBe('true');

  await page.getByLabel('Access token lifetime').fill('120');
  await page.getByLabel('Required headers').fill('x-team\nx-app');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Configuration updated successfully').waitFor();
  expect(sent.at(-1)).toEqual({
    client_config: { oauth2_server_config: { access_token_ttl: 120 }, required_headers: ['x-team', 'x-app'] },
  });
  expect((await gateway.api('GET', '/api/config')).body['client_config']).toMatchObject({
    oauth2_server_config: { access_token_ttl: 120, auth_code_ttl: 300 },
    required_headers: ['x-team', 'x-app'],
  });

  await page.goto('/workspace/audit-logs?entity=settings');
  await page.getByRole('row').nth(1).click();
  const differences = await page.getByLabel('Differences').textContent();
  expect(differences).toContain('access_token_ttl');
  expect(differences).toContain('before: − 600');
  expect(differences).toContain('after: + 120');
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText(/^Intact: all \d+ entries hold/).waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

test('an API key shows its value once, works, and is refused once it is revoked', async () => {
  const { page, faults } = await openAt('/workspace/settings?tab=api-keys');
  await page.getByRole('button', { name: 'Create a key' }).click();
  await page.getByLabel('Name', { exact: true }).fill('deploy');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const key = (await page.getByLabel('API key', { exact: true }).textContent()) ?? '';
  expect(await statusWith(key)).toBe(200);
  await page.getByRole('button', { name: 'Done' }).click();
  expect(await page.content()).not.toContain(key);
  await page.getByRole('button', { name: 'Revoke deploy' }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByRole('row', { name: /deploy/ }).waitFor({ state: 'detached' });
  expect(await statusWith(key)).toBe(401);
  expect(faults).toEqual([]);
  await page.context().close();
});

test('an account is made, given another role and deleted', async () => {
  const { page, faults } = await openAt('/workspace/settings?tab=accounts');
  await page.getByRole('button', { name: 'Add an account' }).click();
  await page.getByLabel('User name').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText(/must have at least 12 characters/).waitFor();
  await page.getByLabel('Password', { exact: true }).fill(OTHER_PASSWORD);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByLabel('Role of ada').selectOption('editor');
  await page.getByText('ada is changed.').waitFor();
  const visitor = openBrowser(gateway);
  expect((await visitor.login('ada', OTHER_PASSWORD)).status).toBe(200);
  expect((await visitor.send('GET', '/api/session/me')).body['user']).toMatchObject({ role: 'editor' });
  await page.getByRole('button', { name: 'Delete ada' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('row', { name: /ada/ }).waitFor({ state: 'detached' });
  expect((await visitor.send('GET', '/api/session/me')).status).toBe(401);
  expect(faults).toEqual([]);
  await page.context().close();
});

test('the own password is changed, and this page stays signed in', async () => {
  const { page } = await openAt('/workspace/settings?tab=password');
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByLabel('New password').fill(OTHER_PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('The password is changed.').waitFor();
  await page.getByRole('link', { name: 'MCP servers' }).click();
  await page.getByRole('heading', { name: 'MCP servers' }).waitFor();
  expect((await openBrowser(gateway).login('root', PASSWORD)).status).toBe(401);
  expect((await openBrowser(gateway).login('root', OTHER_PASSWORD)).status).toBe(200);
  await page.context().close();
});

async function openAt(path: string): Promise<{ page: Page; faults: string[] }> {
  const opened = await openPage(browser, gateway.address);
  await signIn(opened.page);
  await opened.page.goto(path);
  return opened;
}

async function statusWith(key: string): Promise<number> {
  return (await fetch(`${gateway.address}/api/mcp/clients`, { headers: { authorization: `Bearer ${key}` } })).status;
}
