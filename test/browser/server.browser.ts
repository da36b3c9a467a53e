import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { setUp } from '../kit/browser-session.ts';
import { httpClient } from '../kit/gateway.ts';
import { callText, startScene, type Scene } from '../kit/scene.ts';
import { fastTiming } from '../kit/timing.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let scene: Scene;

beforeAll(async () => {
  vi.stubEnv('TEAM', 'red');
  vi.stubEnv('OTHER_TEAM', 'blue');
  [browser, scene] = await Promise.all([
    openChromium(),
    startScene({
      gateway: { timing: fastTiming },
      client: { client_id: 'c1', headers: { 'X-Team': 'env.TEAM', Authorization: 'Bearer of-the-former-days' } },
    }),
  ]);
  await setUp(scene.gateway);
  await scene.gateway.createClient(httpClient(scene.upstream.url, { client_id: 'other', name: 'other' }));
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await browser?.close();
  await scene?.[Symbol.asyncDispose]();
});

test('the calls of a server show on its page as they happen, and no others', async () => {
  const { page, faults } = await openAt('/workspace/mcp-registry/c1?tab=logs');
  await page.getByText(/^No call/).waitFor();
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  await callText(scene.gateway, 'other-echo', { text: 'of another server' });
  await callText(scene.gateway, 'c1-echo', { text: 'of this one' });
  await page.getByRole('row', { name: /of this one/ }).click();
  await page.getByLabel('Result', { exact: true }).getByText('of this one').waitFor();
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({ tab: 'logs' });
  await page.getByRole('button', { name: 'Close' }).click();
  expect(await page.getByText('of another server').count()).toBe(0);
  expect(await page.getByText('1–1 of 1').count()).toBe(1);
  await page.getByLabel('Search in arguments and results').fill('nothing like it');
  await page.getByText('No call matches').waitFor();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await page.getByRole('row', { name: /of this one/ }).waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

test('an outage stands in the health of a server with its reason, and its end', async () => {
  const { page, faults } = await openAt('/workspace/mcp-registry/c1?tab=health');
  const states = page.getByRole('list', { name: 'States' }).getByRole('listitem');
  await states.filter({ hasText: 'connected' }).first().waitFor();
  await scene.upstream.stop();
  const outage = states.filter({ hasText: 'disconnected' }).filter({ hasText: /connect|transport/ });
  await outage.first().waitFor();
  await scene.upstream.restart();
  await states
    .first()
    .filter({ hasText: /^connected/ })
    .waitFor({ timeout: 30_000 });
  expect(await outage.first().getByText('until now').count()).toBe(0);
  expect(faults).toEqual([]);
  await page.context().close();
});

test('an update is undone after a look at what changes; secrets stay, and say so', async () => {
  const headers = { 'X-Team': 'env.OTHER_TEAM', Authorization: 'Bearer of-this-week' };
  const update = { headers, tools_to_execute: ['echo'], tool_sync_interval: 7 };
  expect((await scene.update(update)).status).toBe(200);
  const { page, faults } = await openAt('/workspace/mcp-registry/c1?tab=health');
  await page
    .getByRole('table', { name: 'Changes' })
    .getByRole('row', { name: /update/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Undo' }).click();
  const dialog = page.getByRole('dialog', { name: /Undo this change/ });
  const preview = dialog.getByRole('list', { name: 'Now, and then' });
  await preview.getByText('headers.X-Team').waitFor();
  expect(await preview.textContent()).toContain('now: − "env.OTHER_TEAM"then: + "env.TEAM"');
  expect(await preview.textContent()).not.toContain('Authorization');
  await dialog.getByText(/Stays as it is: headers\.Authorization\./).waitFor();
  expect((await scene.gateway.getClient('c1')).config.tools_to_execute).toEqual(['echo']);
  await dialog.getByRole('button', { name: 'Undo' }).click();
  await dialog.waitFor({ state: 'detached' });

  const { config } = await scene.gateway.getClient('c1');
  expect(config).toMatchObject({ tools_to_execute: ['*'], tool_sync_interval: 0 });
  expect(config.headers['X-Team']).toMatchObject({ env_var: 'env.TEAM', from_env: true });
  const seen = JSON.parse(await callText(scene.gateway, 'c1-whoami')) as Record<string, string>;
  expect(seen['authorization']).toBe('Bearer of-this-week');
  expect(faults).toEqual([]);
  await page.context().close();
});

test('an undo that the gateway refuses says why, and one of nothing cannot be sent', async () => {
  expect((await scene.update({ name: 'renamed' })).status).toBe(200);
  expect((await scene.gateway.update('other', { name: 'c1' })).status).toBe(200);
  const { page, faults } = await openAt('/workspace/audit-logs?action=update&entity=mcp_client&q=renamed');
  await page
    .getByRole('row', { name: /renamed/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Undo' }).click();
  const dialog = page.getByRole('dialog', { name: /Undo this change/ });
  await dialog.getByRole('button', { name: 'Undo' }).click();
  await dialog.getByText('an MCP client named "c1" already exists').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await scene.gateway.update('other', { name: 'other' })).status).toBe(200);
  expect((await scene.update({ name: 'c1' })).status).toBe(200);
  await page.getByRole('button', { name: 'Undo' }).click();
  await dialog.getByText('There is nothing to send').waitFor();
  expect(await dialog.getByRole('button', { name: 'Undo' }).isDisabled()).toBe(true);
  expect(faults).toEqual([]);
  await page.context().close();
});

test('settings are undone too', async () => {
  const { gateway } = scene;
  const put = (approval_ttl: number) => gateway.api('PUT', '/api/config', { client_config: { approval_ttl } });
  expect((await put(777)).status).toBe(200);
  expect((await put(888)).status).toBe(200);
  const { page } = await openAt('/workspace/audit-logs?entity=settings');
  await page
    .getByRole('row', { name: /update/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Undo' }).click();
  const dialog = page.getByRole('dialog', { name: /Undo this change/ });
  expect(await dialog.getByRole('list', { name: 'Now, and then' }).textContent()).toBe(
    'approval_ttlnow: − 888then: + 777',
  );
  await dialog.getByRole('button', { name: 'Undo' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect((await gateway.api('GET', '/api/config')).body).toMatchObject({ client_config: { approval_ttl: 777 } });
  await page.context().close();
});

test('whoever leaves a form with unsaved changes is asked, between the tabs of the same page not', async () => {
  const { page, faults } = await openAt('/workspace/mcp-registry/c1?tab=connection');
  await page.getByLabel('Name', { exact: true }).fill('half_done');
  await page.getByRole('tab', { name: 'Access' }).click();
  await page.getByRole('region', { name: 'Unsaved changes' }).waitFor();
  const question = page.getByRole('dialog', { name: 'Leave without saving?' });
  expect(await question.count()).toBe(0);
  const away = page.getByRole('link', { name: 'MCP servers' }).first();
  await away.click();
  await question.getByRole('button', { name: 'Stay' }).click();
  await question.waitFor({ state: 'detached' });
  await page.getByRole('tab', { name: 'Connection' }).click();
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('half_done');
  await away.click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('table', { name: 'MCP servers' }).waitFor();

  await page.goto('/workspace/settings');
  await page.getByLabel('Approval lifetime').fill('999');
  await page.getByRole('tab', { name: 'API keys' }).click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.getByText('Last used').first().waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

async function openAt(path: string): Promise<{ page: Page; faults: string[] }> {
  const opened = await openPage(browser, scene.gateway.address);
  await signIn(opened.page);
  await opened.page.goto(path);
  return opened;
}
