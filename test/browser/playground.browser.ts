import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, setUp } from '../kit/browser-session.ts';
import { createLegacyAskingServer, createModernAskingServer } from '../kit/asking-server.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { serveLegacy } from '../kit/legacy-host.ts';
import { startLively, type LivelyHost } from '../kit/lively-scene.ts';
import { serveModern } from '../kit/modern-host.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { findBarriers, isTooWide, openChromium, openPage } from './chromium.ts';

const cleanup = new AsyncDisposableStack();
let browser: Browser;
let gateway: TestGateway;
let tools: Upstream;
let lively: LivelyHost;
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await openChromium();
  cleanup.defer(() => browser.close());
  tools = cleanup.use(await startUpstream());
  lively = cleanup.use(await startLively('modern'));
  const older = cleanup.use(await serveLegacy(() => createLegacyAskingServer()));
  const newer = cleanup.use(await serveModern(() => createModernAskingServer()));
  tools.host.tools.set('book', { name: 'book', description: 'Takes every kind of value', inputSchema: BOOK });
  gateway = cleanup.use(await startGateway());
  await setUp(gateway);
  await gateway.createClient(httpClient(tools.url, { name: 'tools', tool_pricing: { add: 0.25 } }));
  await gateway.createClient(httpClient(lively.url, { name: 'lively' }));
  await gateway.createClient(httpClient(older.url, { name: 'older' }));
  await gateway.createClient(httpClient(newer.url, { name: 'newer' }));
  ({ page, faults } = await openPage(browser, gateway.address));
  await page.request.post('/api/session/login', { data: { username: 'root', password: PASSWORD } });
});

afterAll(() => cleanup.disposeAsync());

const BOOK = {
  type: 'object',
  properties: {
    seat: { enum: ['aisle', 'window'] },
    hot: { type: 'boolean' },
    guest: { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer' } }, required: ['name'] },
    stops: { type: 'array', items: { type: 'string' } },
    extras: { type: 'array', items: { enum: ['wifi', 'meal'] } },
    either: { oneOf: [{ type: 'string' }, { type: 'number' }] },
    unused: { type: 'string' },
  },
  required: ['seat'],
};

/** Opens the playground with this choice and calls what is chosen. */
async function tryOut(choice: Record<string, string>): Promise<void> {
  await page.goto(`/workspace/playground?${new URLSearchParams(choice).toString()}`);
  await page.getByRole('button', { name: /^(Call the tool|Get the prompt|Read the resource)$/ }).click();
}

function result(): Promise<string | null> {
  return page.getByRole('region', { name: 'Result' }).textContent();
}

test('what is being typed stays when the choices change meanwhile', async () => {
  await page.goto('/workspace/playground?server=lively');
  const servers = page.getByLabel('Server', { exact: true });
  await servers.fill('new');
  await page.getByRole('option', { name: 'newer' }).waitFor();
  const id = await gateway.createClient(httpClient(tools.url, { name: 'newest' }));
  await page.getByRole('option', { name: 'newest' }).waitFor();
  expect(await servers.inputValue()).toBe('new');
  await page.getByRole('option', { name: 'newest' }).click();
  await page.waitForURL(/server=newest/);
  await gateway.api('DELETE', `/api/mcp/client/${id}`);
});

test('from the row of a tool to its result, its price and its messages', async () => {
  const [server] = (await gateway.listClients()).filter(({ config }) => config.name === 'tools');
  await page.goto(`/workspace/mcp-registry/${server?.config.client_id}`);
  await page.getByRole('row', { name: /^add / }).click();
  await page.getByRole('link', { name: 'Try it' }).click();
  await page.getByLabel('a *', { exact: true }).fill('2');
  await page.getByLabel('b *', { exact: true }).fill('40');
  expect(JSON.parse(await page.getByLabel('Arguments as JSON').inputValue())).toEqual({ a: 2, b: 40 });
  await page.getByLabel('Arguments as JSON').fill('{"a": 2, "b": 41}');
  expect(await page.getByLabel('b *', { exact: true }).inputValue()).toBe('41');
  await page.getByRole('button', { name: 'Call the tool' }).click();
  await page.getByText('it works').waitFor();
  expect(await result()).toContain('43');
  await page.getByText('0.25 USD').waitFor();
  await page.getByRole('button', { name: /sent tools\/call/ }).click();
  expect(await page.getByLabel('tools/call', { exact: true }).textContent()).toContain('"name": "tools-add"');
  expect(faults).toEqual([]);
});

test('a form asks for every kind of value, and what is left out is not sent', async () => {
  await page.goto('/workspace/playground?server=tools&name=tools-book');
  await page.getByLabel('seat *', { exact: true }).selectOption('window');
  await page.getByLabel('hot', { exact: true }).selectOption('no');
  await page.getByLabel('name *', { exact: true }).fill('Ada');
  await page.getByLabel('age', { exact: true }).fill('36');
  await page.getByLabel('unused', { exact: true }).fill('x');
  await page.getByLabel('unused', { exact: true }).fill('');
  for (const stop of ['Ulm', 'Bonn']) {
    await page.getByRole('button', { name: 'Add to stops' }).click();
    await page
      .getByLabel(/^stops \d \*$/)
      .last()
      .fill(stop);
  }
  await page.getByRole('button', { name: 'Remove stops 1' }).click();
  await page.getByLabel('meal').check();
  await page.getByLabel('either', { exact: true }).fill('4.5');
  await page.getByRole('button', { name: 'Call the tool' }).click();
  await page.getByText('it works').waitFor();
  expect(tools.host.calls.at(-1)).toMatchObject({ name: 'book' });
  expect(tools.host.calls.at(-1)?.arguments).toEqual({
    ...{ seat: 'window', hot: false, guest: { name: 'Ada', age: 36 }, stops: ['Bonn'], extras: ['meal'], either: 4.5 },
  });
});

test('every kind of content shows, and an error of the tool says so', async () => {
  await tryOut({ server: 'tools', name: 'tools-rich' });
  await page.getByText('it works').waitFor();
  await page.getByRole('img', { name: /image of the result/ }).waitFor();
  expect(await page.locator('audio').count()).toBe(1);
  await page.getByRole('button', { name: 'Read it' }).waitFor();
  expect(await page.getByLabel('Structured content').textContent()).toContain('"total": 1.5');
  await tryOut({ server: 'tools', name: 'tools-fail' });
  await page.getByText('error of the tool').waitFor();
});

test('progress shows while a tool runs, and cancelling reaches the server', async () => {
  const before = lively.state.cancelled;
  await tryOut({ server: 'lively', name: 'lively-hold' });
  await page.getByText('1 of 2: step 1').waitFor();
  expect(lively.state.running).toBe(1);
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByText('cancelled', { exact: true }).waitFor();
  await waitFor(() => lively.state.cancelled > before, 'the cancellation at the server');
});

test.each(['older', 'newer'])('a question of a server of the %s era is answered in place', async (server) => {
  await tryOut({ server, name: `${server}-form` });
  await page.getByText('Who are you?').waitFor();
  await page.getByLabel('name *', { exact: true }).fill('Ada');
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByText('it works').waitFor();
  expect(await result()).toContain('Ada');
  await tryOut({ server, name: `${server}-form` });
  await page.getByRole('button', { name: 'Decline' }).click();
  await page.getByText('it works').waitFor();
  expect(await result()).toContain('decline');
});

test('several questions, one round after the other, and one to come back later', async () => {
  await tryOut({ server: 'newer', name: 'newer-rounds' });
  await page.getByText('One?').waitFor();
  await page.getByRole('button', { name: 'Cancel the question' }).click();
  await page.getByRole('button', { name: 'Send the answer' }).first().click();
  await page.getByRole('button', { name: 'Send the answer' }).click();
  await page.getByText('Three?').waitFor();
  await page.getByRole('button', { name: 'Decline' }).click();
  await page.getByText('it works').waitFor();
  expect(await result()).toContain('a person');
  await tryOut({ server: 'newer', name: 'newer-later' });
  await page.getByText('it works').waitFor();
});

test('prompts and resources are used the same way', async () => {
  await tryOut({ server: 'newer', kind: 'resource', name: 'ask://form' });
  await page.getByRole('button', { name: 'Decline' }).click();
  await page.getByText('it works').waitFor();
  await tryOut({ server: 'newer', kind: 'prompt', name: 'newer-form' });
  await page.getByRole('button', { name: 'Decline' }).click();
  await page.getByText('it works').waitFor();
  expect(await result()).toContain('decline');
});

test('a virtual key sees and may use what it is granted, and its refusals show', async () => {
  const { body } = await gateway.api('POST', '/api/governance/virtual-keys', {
    name: 'narrow',
    mcp_configs: [{ mcp_client_name: 'tools', tools_to_execute: ['echo'] }],
  });
  const { id } = body['virtual_key'] as { id: string };
  await page.goto(`/workspace/playground?as=${id}`);
  await page.getByText('1 can be tried.').waitFor();
  await tryOut({ as: id, name: 'tools-add' });
  await page.getByText('not in the list').waitFor();
  await page.getByRole('alert').waitFor();
  await tryOut({ as: id, name: 'tools-echo' });
  await page.getByText('it works').waitFor();
  await waitFor(async () => {
    const logs = (await gateway.api('GET', '/api/mcp-logs?limit=1')).body['logs'] as { virtual_key_name?: string }[];
    return logs[0]?.virtual_key_name === 'narrow';
  }, 'the call in the log, by the key');
});

test.each(['light', 'dark'] as const)('no barrier while a question is open, in the %s theme', async (theme) => {
  for (const width of [1280, 390] as const) {
    const opened = await openPage(browser, gateway.address, { theme, width });
    await opened.page.request.post('/api/session/login', { data: { username: 'root', password: PASSWORD } });
    await opened.page.goto('/workspace/playground?server=newer&name=newer-several');
    await opened.page.getByRole('button', { name: 'Call the tool' }).click();
    await opened.page.getByText('First?').waitFor();
    expect(await findBarriers(opened.page)).toEqual([]);
    expect(await isTooWide(opened.page)).toBe(false);
    expect(opened.faults).toEqual([]);
    await opened.page.context().close();
  }
});
