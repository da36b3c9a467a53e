import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { callText, listedTools } from '../kit/scene.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { openChromium, openPage } from './chromium.ts';

let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;

beforeAll(async () => {
  [browser, gateway, upstream] = await Promise.all([openChromium(), startGateway(), startUpstream()]);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  await upstream?.stop();
});

test('the first minute: set up, add a server, make a key, try a tool, copy the line for the client', async () => {
  const { page, faults } = await openPage(browser, gateway.address);
  await page.goto('/');
  await setUpBy(page);

  await page.getByLabel('Paste a URL').fill(JSON.stringify({ mcpServers: { 'my-tools': { url: upstream.url } } }));
  await page.getByRole('button', { name: 'Look at it' }).click();
  await page.getByText('"my-tools" becomes "my_tools"').waitFor();
  expect(await gateway.listClients()).toEqual([]);
  await page.getByRole('button', { name: 'Add the server' }).click();

  await page.getByRole('button', { name: 'Make the key' }).click();
  await page.getByLabel('Tool', { exact: true }).click();
  await page.getByLabel('Tool', { exact: true }).fill('echo');
  await page.getByRole('option', { name: 'my_tools-echo' }).click();
  await page.getByLabel('Arguments as JSON').fill('{"text": "hello from the page"}');
  await page.getByRole('button', { name: 'Call the tool' }).click();
  await page.getByText('it works').waitFor();
  expect(await page.getByLabel('Result').textContent()).toContain('hello from the page');

  const line = (await page.getByLabel('Command for Claude Code').textContent()) ?? '';
  const [, url = '', key = ''] = /asbru (\S+) --header "Authorization: Bearer ([^"]+)"/.exec(line) ?? [];
  expect(url).toBe(`${gateway.address}/mcp`);
  const client = { address: gateway.address, apiKey: key };
  expect(await listedTools(client)).toContain('my_tools-echo');
  expect(await callText(client, 'my_tools-echo', { text: 'as a client' })).toContain('as a client');
  expect(faults).toEqual([]);
  await page.context().close();
});

test('signing out leads to the sign-in, which leads back to the page that was asked for', async () => {
  const { page, faults } = await openPage(browser, gateway.address);
  await page.goto('/workspace/mcp-registry?q=my');
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('row', { name: /my_tools/ }).waitFor();
  expect(new URL(page.url()).search).toBe('?q=my');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

test('a saved change is the changed fields only, and a refusal stands beside its field', async () => {
  const [server] = await gateway.listClients();
  const id = server?.config.client_id ?? '';
  const { page } = await openPage(browser, gateway.address);
  const sent: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PUT') sent.push(request.postDataJSON());
  });
  await signInBy(page, `/workspace/mcp-registry/${id}?tab=connection`);

  await page.getByLabel('Name').fill('my tools');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('must not contain white space; use "_"').waitFor();
  expect(await page.getByLabel('Name').getAttribute('aria-invalid')).toBe('true');

  await page.getByLabel('Name').fill('tools');
  await page.getByLabel('Time limit of a call, in seconds').fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('MCP client edited successfully').waitFor();
  expect(sent).toEqual([{ name: 'my tools' }, { name: 'tools', tool_execution_timeout: 7 }]);
  expect((await gateway.getClient(id)).config).toMatchObject({ name: 'tools', tool_execution_timeout: 7e9 });
  expect(await listedTools(gateway)).toContain('tools-echo');
  await page.context().close();
});

test('what somebody else changes shows without loading again', async () => {
  const [server] = await gateway.listClients();
  const { page } = await openPage(browser, gateway.address);
  await signInBy(page, '/workspace/mcp-registry');
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  await gateway.update(server?.config.client_id ?? '', { name: 'renamed' });
  await page.getByRole('link', { name: 'renamed' }).waitFor();
  await page.context().close();
});

async function setUpBy(page: Page): Promise<void> {
  await page.getByLabel('Admin API key or setup token').fill(gateway.apiKey);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create the account' }).click();
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
}

async function signInBy(page: Page, path: string): Promise<void> {
  await page.request.post('/api/session/login', { data: { username: 'admin', password: PASSWORD } });
  await page.goto(path);
}
