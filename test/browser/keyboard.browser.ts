import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PASSWORD } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { callText } from '../kit/scene.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { byKeyboard } from './by-keyboard.ts';
import { openChromium, openPage } from './chromium.ts';

let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;
let page: Page;
let faults: string[];

beforeAll(async () => {
  [browser, gateway, upstream] = await Promise.all([openChromium(), startGateway(), startUpstream()]);
  ({ page, faults } = await openPage(browser, gateway.address));
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
});

beforeEach(() => void (faults.length = 0));

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  await upstream?.stop();
});

test('the first minute without a mouse: set up, add a server by its URL, try a tool, copy the line for the client', async () => {
  const { tabTo, press, type, replace, focus } = byKeyboard(page);
  await page.goto('/');
  await page.getByRole('heading', { name: 'Welcome to Asbru' }).waitFor();
  expect((await focus()).name).toBe('Admin API key or setup token');
  await type(gateway.apiKey);
  await tabTo('Password');
  await type(PASSWORD);
  await press('Enter');
  await page.getByRole('heading', { name: 'First steps' }).waitFor();

  await tabTo('Skip to the content');
  await press('Enter');
  await tabTo(/^Paste a URL/);
  await type(upstream.url);
  await tabTo('Look at it');
  await press('Enter');
  await page.getByLabel('Found servers').waitFor();
  await tabTo('Name of server');
  await replace('tracker');
  await tabTo('Add the server');
  await press('Enter');
  await page.getByRole('button', { name: 'Make the key' }).waitFor();
  await tabTo('Name of the key');
  await press('Enter');

  await page.getByLabel('Tool', { exact: true }).waitFor();
  await tabTo('Tool');
  await replace('echo');
  await press('ArrowDown', 'Enter');
  await tabTo('Arguments as JSON');
  await replace('{"text": "typed"}');
  await tabTo('Call the tool');
  await press('Enter');
  await page.getByText('it works').waitFor();
  expect(await page.getByLabel('Result').textContent()).toContain('typed');

  await tabTo('Claude Code');
  await press('ArrowRight', 'ArrowLeft');
  await tabTo(/^Copy.*Claude Code/);
  await press('Enter');
  const line = await page.evaluate<string>('navigator.clipboard.readText()');
  const [, key = ''] = /^claude mcp add .*Bearer ([^"]+)"$/.exec(line) ?? [];
  expect(await callText({ address: gateway.address, apiKey: key }, 'tracker-echo', { text: 'hi' })).toBe('hi');
  expect(faults).toEqual([]);
});

test.each(['Control+k', 'Meta+k'])('%s leads anywhere, and Escape leads back', async (keys) => {
  const { tabTo, press, type, focus } = byKeyboard(page);
  await page.goto('/workspace/mcp-registry');
  await page.getByRole('row', { name: /tracker/ }).waitFor();
  await tabTo('Search servers and tools');
  await press(keys);
  await page.getByRole('dialog').waitFor();
  expect(await focus()).toMatchObject({ name: 'Go to a page, a server or a key', isSeen: true });
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect((await focus()).name).toBe('Search servers and tools');
  for (const [letters, name] of [
    ['trac', 'tracker'],
    ['my-cl', 'my-client'],
  ] as const) {
    await press(keys);
    await page.getByRole('dialog').waitFor();
    await type(letters);
    await press('Enter');
    await page.getByRole('heading', { name }).waitFor();
  }
  expect(faults).toEqual([]);
});

test('what is opened again at once has nothing of before in it', async () => {
  const { press, type } = byKeyboard(page);
  await page.goto('/workspace/mcp-registry');
  await page.getByRole('row', { name: /tracker/ }).waitFor();
  await press('Control+k');
  await page.getByRole('dialog').waitFor();
  await type('trac');
  await page.evaluate(`for (const init of [{ key: 'Enter' }, { key: 'k', ctrlKey: true }])
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true }))`);
  await page.getByRole('heading', { name: 'tracker' }).waitFor();
  await page.locator('[aria-label="Go to a page, a server or a key"]:focus').waitFor();
  await type('my-cl');
  await press('Enter');
  await page.getByRole('heading', { name: 'my-client' }).waitFor();
  expect(faults).toEqual([]);
});

test('whoever types faster than the lists come gets there all the same', async () => {
  const { press, type } = byKeyboard(page);
  const gate = Promise.withResolvers<void>();
  await page.route('**/api/governance/virtual-keys*', async (route) => {
    await gate.promise;
    await route.continue();
  });
  await page.goto('/workspace/mcp-registry');
  await page.getByRole('row', { name: /tracker/ }).waitFor();
  await press('Control+k');
  await page.getByRole('dialog').waitFor();
  await type('my-cl');
  await page.getByText('Looking …').waitFor();
  await press('Enter');
  gate.resolve();
  await page.getByRole('heading', { name: 'my-client' }).waitFor();
  await page.unroute('**/api/governance/virtual-keys*');
  expect(faults).toEqual([]);
});

test('the tools of a server are walked through, opened and closed, and the focus comes back to the row', async () => {
  const { tabTo, press, focus } = byKeyboard(page);
  await page.goto('/workspace/mcp-registry');
  await page.getByRole('row', { name: /tracker/ }).waitFor();
  await tabTo(/^tracker/);
  await press('Enter');
  await page.getByRole('tab', { name: 'Tools' }).waitFor();
  await tabTo(/^addAdds/);
  for (const [key, row] of [
    ['ArrowDown', /^echoSays/],
    ['End', /^whoamiShows/],
    ['Home', /^addAdds/],
    ['ArrowDown', /^echoSays/],
  ] as const) {
    await press(key);
    await waitFor(async () => row.test((await focus()).name), `${key} to lead to ${row.source}`);
  }
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo('Try it');
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await focus()).toMatchObject({ name: expect.stringMatching(/^echoSays/) as string, isSeen: true });
  expect(faults).toEqual([]);
});

test('signing out and in again, to the page that was asked for', async () => {
  const { tabTo, press, type, focus } = byKeyboard(page);
  await page.goto('/workspace/mcp-registry');
  await page.getByRole('row', { name: /tracker/ }).waitFor();
  // A connection that is being made when its session ends is refused, and the browser says so.
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  await press('Control+k');
  await type('sign out');
  await press('Enter');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goto('/workspace/mcp-registry');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect((await focus()).name).toBe('User name');
  await type('admin');
  await tabTo('Password');
  await type(PASSWORD);
  await press('Enter');
  await page.getByRole('row', { name: /tracker/ }).waitFor();
  expect(faults).toEqual([]);
});
