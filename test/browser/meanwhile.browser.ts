import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { echo } from '../kit/approvals.ts';
import { setUp } from '../kit/browser-session.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { allowLinks, personalClient, SAMPLE } from '../kit/personal.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;
let ada: TestKey;
let page: Page;

beforeAll(async () => {
  [browser, gateway, upstream] = await Promise.all([openChromium(), startGateway(), startUpstream()]);
  await setUp(gateway);
  await allowLinks(gateway);
  const open = { allow_on_all_virtual_keys: true };
  await gateway.createClient(httpClient(upstream.url, { ...open, tools_to_approve: ['echo'] }));
  await gateway.createClient(personalClient(upstream.url, { name: 'mail', user_headers: SAMPLE }));
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
  page.setDefaultTimeout(5_000);
  await signIn(page);
  await page.goto(path);
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
}

async function change(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
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

/** From now on this cannot be read; the promise says that it was tried. */
async function breakReads(path: string): Promise<Promise<unknown>> {
  const fail = (route: Route) =>
    route.request().method() === 'GET' || path.endsWith('/mcp')
      ? route.fulfill({ status: 500, body: 'broken' })
      : route.continue();
  await page.route(path, fail);
  return page.waitForResponse((response) => response.status() === 500);
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

test('a re-read that fails takes no settings away', async () => {
  await open('/workspace/settings');
  await page.getByLabel('Sign-in code lifetime').fill('444');
  const failed = breakReads('**/api/config');
  await change('PUT', '/api/config', { client_config: { approval_ttl: 77 } });
  await failed;
  await page
    .getByText(/broken/)
    .first()
    .waitFor();
  expect(await page.getByLabel('Sign-in code lifetime').inputValue()).toBe('444');
});

test('a re-read that fails takes no pasted text away', async () => {
  await open('/workspace/start');
  await page.getByLabel(/^Paste a URL/).fill('https://mcp.example.com/mcp');
  const failed = breakReads('**/api/mcp/clients');
  await change('DELETE', `/api/mcp/client/${await gateway.createClient(httpClient(upstream.url, { name: 'brief' }))}`);
  await failed;
  await page
    .getByText(/broken/)
    .first()
    .waitFor();
  expect(await page.getByLabel(/^Paste a URL/).inputValue()).toBe('https://mcp.example.com/mcp');
});

test('a re-read that fails takes no arguments away', async () => {
  await open('/workspace/playground?server=c1&name=c1-add');
  await page.getByLabel('a *', { exact: true }).fill('41');
  const failed = breakReads('**/mcp');
  await change('DELETE', `/api/mcp/client/${await gateway.createClient(httpClient(upstream.url, { name: 'brief' }))}`);
  await failed;
  await page
    .getByText(/broken/)
    .first()
    .waitFor();
  expect(await page.getByLabel('a *', { exact: true }).inputValue()).toBe('41');
});

test('a re-read that fails takes no note away', async () => {
  await echo(ada, 'noted');
  await open('/workspace/mcp-approvals');
  await page.getByLabel('Note').first().fill('because');
  const failed = breakReads('**/api/mcp/approvals*');
  await echo(ada, 'noted too');
  await failed;
  await page
    .getByText(/broken/)
    .first()
    .waitFor();
  expect(await page.getByLabel('Note').first().inputValue()).toBe('because');
});
