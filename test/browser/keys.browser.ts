import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUp } from '../kit/browser-session.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { listedTools } from '../kit/scene.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { findBarriers, openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;

beforeAll(async () => {
  [browser, gateway, upstream] = await Promise.all([openChromium(), startGateway(), startUpstream()]);
  await setUp(gateway);
  await gateway.createClient(httpClient(upstream.url, { name: 'tracker' }));
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

test('a key is made, granted tools, bounded, explained, rotated and deleted', async () => {
  const { page, faults } = await open('/workspace/virtual-keys');
  await page.getByRole('button', { name: 'Make a key' }).first().click();
  await page.getByRole('button', { name: 'Make the key' }).click();
  await page.getByText('must not be empty').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('ci');
  await page.getByRole('button', { name: 'Make the key' }).click();
  const value = (await page.getByLabel('Value of the key').textContent()) ?? '';
  expect(await page.getByLabel('Command for Claude Code').textContent()).toContain(value);
  expect(await findBarriers(page)).toEqual([]);
  const client = { address: gateway.address, apiKey: value };
  expect(await listedTools(client)).toEqual([]);
  await page.getByRole('button', { name: 'I have copied it' }).click();

  await page.getByLabel('Grant a server').fill('track');
  await page.getByRole('option', { name: 'tracker' }).click();
  await page.getByRole('checkbox', { name: /^echo / }).check();
  await save(page);
  expect(await listedTools(client)).toEqual(['tracker-echo']);

  await page.getByRole('tab', { name: 'Budgets and limits' }).click();
  await page.getByRole('button', { name: 'Add a budget' }).click();
  await page.getByLabel('USD').fill('-1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('must not be negative').waitFor();
  await page.getByLabel('USD').fill('2.5');
  await page.getByLabel('Requests at most').fill('90');
  await save(page);
  await page.getByRole('meter', { name: 'Budget per hour' }).waitFor();

  await page.getByRole('tab', { name: 'Why not?' }).click();
  await page.getByLabel('Tool', { exact: true }).fill('tracker-whoami');
  await page.getByRole('option', { name: 'tracker-whoami' }).click();
  await page.getByText('cannot be seen').waitFor();
  expect(await page.getByRole('list', { name: 'Rules' }).textContent()).toContain('hides');

  await page.getByRole('button', { name: 'Rotate' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  const next = (await page.getByLabel('Value of the key').textContent()) ?? '';
  expect(next).not.toBe(value);
  expect(await listedTools({ ...client, apiKey: next })).toEqual(['tracker-echo']);
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('button', { name: 'Deactivate' }).click();
  await page.getByText('inactive', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No key yet').waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });
}
