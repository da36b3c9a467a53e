import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { decide, echo, listApprovals } from '../kit/approvals.ts';
import { setUp } from '../kit/browser-session.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { createKey, getKey, updateKey, type TestKey } from '../kit/keys.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

type JsonObject = Record<string, unknown>;

let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;
let ada: TestKey;
let page: Page;

beforeAll(async () => {
  [browser, gateway, upstream] = await Promise.all([openChromium(), startGateway(), startUpstream()]);
  await setUp(gateway);
  const open = { allow_on_all_virtual_keys: true };
  await gateway.createClient(httpClient(upstream.url, { ...open, tools_to_approve: ['echo'] }));
  await gateway.createClient(httpClient(upstream.url, { ...open, name: 'mail' }));
  ada = await createKey(gateway, 'ada');
});

afterEach(() => page.context().close());

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  await upstream?.stop();
});

/** A page that hears at once what others change. */
async function open(path: string): Promise<void> {
  ({ page } = await openPage(browser, gateway.address));
  await signIn(page);
  await page.goto(path);
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
}

async function change(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<JsonObject> {
  const answer = await gateway.api(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Lets the next requests of this kind wait; gives what lets them go on. */
async function hold(path: string, method: string): Promise<() => void> {
  const gate = Promise.withResolvers<void>();
  await page.route(path, async (route) => {
    if (route.request().method() === method) await gate.promise;
    await route.continue();
  });
  return gate.resolve;
}

test('what is typed while a save runs stays', async () => {
  await open('/workspace/settings');
  await page.getByLabel('Access token lifetime').fill('700');
  const release = await hold('**/api/config', 'PUT');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByLabel('Sign-in code lifetime').fill('333');
  await page.getByLabel('Access token lifetime').fill('800');
  release();
  await page.getByText('Configuration updated successfully').waitFor();
  expect(await page.getByLabel('Sign-in code lifetime').inputValue()).toBe('333');
  expect(await page.getByLabel('Access token lifetime').inputValue()).toBe('800');
});

test.each([
  ['settings', '/workspace/settings', 'Sign-in code lifetime', '/api/config'],
  ['pasted text', '/workspace/start', /^Paste a URL/, '/api/mcp/clients'],
  ['arguments', '/workspace/playground?server=c1&name=c1-add', 'a *', '/mcp'],
  ['notes', '/workspace/mcp-approvals', 'Note', '/api/mcp/approvals*'],
])('a re-read that fails takes no %s away', async (_, path, label, read) => {
  await echo(ada, `first for ${path}`);
  await open(path);
  const typed = page.getByLabel(label, typeof label === 'string' ? { exact: true } : {}).first();
  await typed.fill('41');
  await page.route(`**${read}`, (route) => route.fulfill({ status: 500, body: 'broken' }));
  // Each of the pages shows one of these.
  await change('PUT', '/api/config', { client_config: { approval_ttl: 800 + path.length } });
  await change('DELETE', `/api/mcp/client/${await gateway.createClient(httpClient(upstream.url, { name: 'brief' }))}`);
  await echo(ada, `second for ${path}`);
  await page.getByText('broken').first().waitFor();
  expect(await typed.inputValue()).toBe('41');
});

test('a call that somebody else decided meanwhile says so', async () => {
  await echo(ada, 'twice');
  await open('/workspace/mcp-approvals');
  const call = page.getByRole('article').filter({ hasText: '"twice"' });
  await call.waitFor();
  const release = await hold('**/deny', 'POST');
  await call.getByRole('button', { name: 'Deny' }).click();
  for (const approval of await listApprovals(gateway, 'status=pending')) await decide(gateway, approval, 'approve');
  await echo(ada, 'twice');
  await call.waitFor({ state: 'detached' });
  release();
  await page.getByText(/is used already/).waitFor();
});

test('a call that begins to wait does not take the place of another', async () => {
  await echo(ada, 'early');
  await open('/workspace/mcp-approvals');
  const first = page.getByRole('article').first().getByLabel('Arguments');
  const before = await first.textContent();
  await echo(ada, 'late');
  await page.getByRole('article').filter({ hasText: '"late"' }).waitFor();
  expect(await first.textContent()).toBe(before);
});

test('what somebody else changes meanwhile is not replaced without a word', async () => {
  const granted = (name: string, tools: string[]) => [{ mcp_client_name: name, tools_to_execute: tools }];
  const key = await createKey(gateway, 'shared', { mcp_configs: granted('c1', ['add']) });
  await open(`/workspace/virtual-keys/${key.id}`);
  await page.getByRole('checkbox', { name: /^echo/ }).check();
  await updateKey(gateway, key, { description: 'of others' });
  await page.getByRole('tab', { name: 'Settings' }).click();
  await expect.poll(() => page.getByLabel('Description').inputValue()).toBe('of others');
  await updateKey(gateway, key, { mcp_configs: granted('mail', ['*']) });
  await page.getByText('Somebody else has changed mcp_configs meanwhile').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('tab', { name: 'Tools' }).click();
  await page.getByRole('group', { name: 'mail', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Take away mail' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('shared is saved.').waitFor();
  expect((await getKey(gateway, key)).mcp_configs).toEqual([]);
  expect(await page.getByRole('alert').count()).toBe(0);
});

test('a drawer stays when somebody else deletes what it shows', async () => {
  const { team } = await change('POST', '/api/governance/teams', { name: 'doomed' });
  await open('/workspace/teams');
  await page.getByRole('row', { name: /doomed/ }).click();
  await page.getByLabel('Name', { exact: true }).fill('renamed');
  await change('DELETE', `/api/governance/teams/${(team as { id: string }).id}`);
  await page.getByText('No teams yet').waitFor();
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('renamed');
});

test('a page says when somebody else deletes what it shows', async () => {
  const key = await createKey(gateway, 'going');
  await open(`/workspace/virtual-keys/${key.id}`);
  await page.getByRole('tab', { name: 'Tools' }).waitFor();
  await change('DELETE', `/api/governance/virtual-keys/${key.id}`);
  await page.getByRole('alert').waitFor();
});

test('a question about one row does not show what went wrong with another', async () => {
  for (const name of ['one', 'two']) await change('POST', '/api/api-keys', { name, scopes: ['read'] });
  await open('/workspace/settings?tab=api-keys');
  await page.route('**/api/api-keys/*', (route) => route.fulfill({ status: 500, body: 'broken' }));
  await page.getByRole('button', { name: 'Revoke one' }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page
    .getByRole('dialog')
    .getByText(/broken/)
    .waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Revoke two' }).click();
  await page.getByText('Revoke "two"?').waitFor();
  expect(await page.getByRole('dialog').textContent()).not.toContain('broken');
});

test('letters typed fast into a search all arrive, where they were typed', async () => {
  await open('/workspace/mcp-registry');
  const search = page.getByLabel('Search servers and tools');
  await search.focus();
  await page.keyboard.type('everything at once');
  expect(await search.inputValue()).toBe('everything at once');
  await page.keyboard.press('Home');
  await page.keyboard.type('xyz');
  expect(await search.inputValue()).toBe('xyzeverything at once');
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  expect(await search.inputValue()).toBe('');
});

test('the playground does not turn into somebody else', async () => {
  const key = await createKey(gateway, 'passing');
  await open(`/workspace/playground?as=${key.id}&name=c1-add`);
  await page.getByLabel('a *', { exact: true }).fill('41');
  await change('DELETE', `/api/governance/virtual-keys/${key.id}`);
  await expect.poll(() => page.getByLabel('As', { exact: true }).inputValue()).toBe('A key that is not there');
  expect(await page.getByLabel('a *', { exact: true }).inputValue()).toBe('41');
  await page.getByRole('button', { name: 'Call the tool' }).click();
  await page.getByText('refused', { exact: true }).waitFor();
});

test('a drawer stays open until its save is answered', async () => {
  await open('/workspace/teams');
  await page.getByRole('button', { name: 'Add a team' }).click();
  await page.getByRole('button', { name: 'Add a budget' }).click();
  const release = await hold('**/api/governance/teams', 'POST');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.keyboard.press('Escape');
  release();
  await page.getByText('must not be empty').waitFor();
});

test('the tool that is being tried stays when others come', async () => {
  const granted = (tools: string[]) => ({
    mcp_configs: [
      { mcp_client_name: 'c1', tools_to_execute: tools },
      { mcp_client_name: 'mail', tools_to_execute: [] },
    ],
  });
  await updateKey(gateway, ada, granted(['add']));
  await open('/workspace/start');
  const [tool, args] = [page.getByLabel('Tool', { exact: true }), page.getByLabel('Arguments as JSON')];
  await args.fill('{"a": 41, "b": 1}');
  await updateKey(gateway, ada, granted(['add', 'fail']));
  await tool.fill('c1');
  await page.getByRole('option', { name: 'c1-fail' }).waitFor();
  expect(await args.inputValue()).toBe('{"a": 41, "b": 1}');
});

test('a page that hears of nothing sends no old settings of a provider', async () => {
  const path = '/api/providers/openai';
  const stored = await change('POST', '/api/providers', { name: 'openai' });
  ({ page } = await openPage(browser, gateway.address));
  await page.route('**/api/session/ws-ticket', (route) => route.abort());
  await signIn(page);
  await page.goto('/workspace/providers/openai');
  await page.getByLabel('Description').fill('mine');
  const { max_retries: _, ...network } = stored['network_config'] as JsonObject;
  await change('PUT', path, { network_config: { ...network, max_retries: 7 } });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });
  const { body } = await gateway.api('GET', path);
  expect(body).toMatchObject({ description: 'mine', network_config: { max_retries: 7 } });
});

test('a drawer asks before another way leads out of it', async () => {
  await change('POST', '/api/governance/teams', { name: 'kept' });
  await open('/workspace/teams');
  await page.getByRole('row', { name: /kept/ }).click();
  await page.getByLabel('Name', { exact: true }).fill('renamed');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('Teams');
  await page.keyboard.press('Enter');
  await page.getByText('Leave without saving?').waitFor();
  await page.getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Leave', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});
