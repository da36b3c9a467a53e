import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeIn, echo, listApprovals } from '../kit/approvals.ts';
import { setUp } from '../kit/browser-session.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { allowLinks, listSessions, personalClient, requiredIn, SAMPLE, submit } from '../kit/personal.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;
let ada: TestKey;

beforeAll(async () => {
  [browser, gateway, upstream] = await Promise.all([openChromium(), startGateway(), startUpstream()]);
  await setUp(gateway);
  await allowLinks(gateway);
  const open = { allow_on_all_virtual_keys: true };
  await gateway.createClient(httpClient(upstream.url, { ...open, tools_to_approve: ['echo'] }));
  await gateway.createClient(personalClient(upstream.url, { name: 'mail', user_headers: SAMPLE }));
  ada = await createKey(gateway, 'ada');
});

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  await upstream?.stop();
});

async function open(path: string): Promise<{ page: Page; faults: string[] }> {
  const opened = await openPage(browser, gateway.address);
  await signIn(opened.page);
  await opened.page.goto(path);
  return opened;
}

test('a call that begins to wait shows at once, with its arguments, and is denied and approved with a note', async () => {
  const { page, faults } = await open('/workspace/mcp-approvals');
  await page.getByText('Nothing waits').waitFor();
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  const caller = { address: gateway.address, apiKey: ada.value };
  expect(codeIn(await echo(caller, 'first'))).toBe('approval_required');
  const call = page.getByRole('article', { name: 'c1-echo' });
  await call.waitFor();
  expect(await call.getByLabel('Arguments').textContent()).toContain('"text": "first"');
  await call.getByLabel('Note').fill('not today');
  await call.getByRole('button', { name: 'Deny' }).click();
  await page.getByText('Nothing waits').waitFor();
  expect(codeIn(await echo(caller, 'first'))).toBe('approval_denied');

  await echo(caller, 'second');
  await call.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Nothing waits').waitFor();
  expect(codeIn(await echo(caller, 'second'))).toBe('ok');
  await page.getByRole('tab', { name: 'Decided' }).click();
  await page.getByRole('row', { name: /denied.*not today/ }).waitFor();
  expect((await listApprovals(gateway)).map(({ note }) => note)).toContain('not today');
  expect(faults).toEqual([]);
  await page.context().close();
});

test('a team gets a budget, and is deleted', async () => {
  const { page, faults } = await open('/workspace/teams');
  await page.getByRole('button', { name: 'Add a team' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('must not be empty').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('platform');
  await page.getByRole('button', { name: 'Add a budget' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('row', { name: /platform/ }).click();
  await page.getByLabel('USD').fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
  await page
    .getByRole('row', { name: /platform/ })
    .getByText('$0.00 of $7.00 per hour')
    .waitFor();
  const { body } = await gateway.api('GET', '/api/governance/teams');
  expect(body).toMatchObject({ teams: [{ name: 'platform', budgets: [{ max_limit: 7, reset_duration: '1h' }] }] });
  await page.getByRole('row', { name: /platform/ }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page
    .getByRole('dialog', { name: /Delete/ })
    .getByRole('button', { name: 'Delete' })
    .click();
  await page.getByText('No teams yet').waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

test('a provider of your own is added with a key, whose value is never shown, and changed', async () => {
  const { page, faults } = await open('/workspace/providers');
  await page.getByRole('button', { name: 'Add a provider' }).click();
  await page.getByRole('switch', { name: 'A provider of your own' }).click();
  await page.getByLabel('Speaks as').fill('openai');
  await page.getByRole('option', { name: 'OpenAI', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('My Models');
  await page.getByLabel('Address').fill('https://models.example.com');
  await page.getByLabel('First key').fill('sk-canary-of-the-provider');
  await page.getByRole('button', { name: 'Add it' }).click();
  await page.getByText('must be lower-case letters').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('mine');
  await page.getByRole('button', { name: 'Add it' }).click();

  await page.getByLabel('Retries').fill('-1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('must not be negative').waitFor();
  await page.getByLabel('Retries').fill('4');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /default/ }).click();
  await page.getByLabel('Weight').fill('0.5');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('row', { name: /default.*0\.5/ }).waitFor();
  expect(await page.content()).not.toContain('canary');
  const { body } = await gateway.api('GET', '/api/providers/mine');
  expect(body).toMatchObject({
    network_config: { base_url: 'https://models.example.com', max_retries: 4 },
    custom_provider_config: { base_provider_type: 'openai' },
    keys: [{ name: 'default', weight: 0.5, enabled: true, status: '' }],
  });
  expect(faults).toEqual([]);
  await page.context().close();
});

test('the credential of a caller is listed, renewed and revoked, and signing in is diagnosed', async () => {
  const refused = await gateway.execute('mail-echo', { text: 'hi' }, { authorization: `Bearer ${ada.value}` });
  await submit(gateway, requiredIn(refused), { 'x-user-token': 'token-of-ada' });
  const { page, faults } = await open('/workspace/mcp-sessions?q=ada');
  const row = page.getByRole('row', { name: /ada.*active/ });
  await row.getByRole('button', { name: 'Reauthorize' }).click();
  expect(await page.getByLabel('Link').textContent()).toContain(gateway.address);
  await page.getByRole('button', { name: 'Close' }).click();
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'detached' });
  expect((await listSessions(gateway)).filter(({ kind }) => kind === 'header')).toEqual([]);
  await page.getByLabel('Server', { exact: true }).selectOption('mail');
  await page.getByRole('button', { name: 'Diagnose' }).click();
  await page
    .getByText(/in order|fails/)
    .first()
    .waitFor();
  expect(await page.getByRole('list', { name: 'Steps' }).count()).toBe(1);
  expect(faults).toEqual([]);
  await page.context().close();
});
