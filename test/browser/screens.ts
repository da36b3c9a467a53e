import type { Browser, Page } from 'playwright-core';
import type { GatewayOptions } from '../../src/app.ts';
import { addUser, PASSWORD, setUp } from '../kit/browser-session.ts';
import { httpClient, startGateway, type ApiAnswer, type TestGateway } from '../kit/gateway.ts';
import { allowLinks, personalClient, SAMPLE } from '../kit/personal.ts';
import { startModelServer, type ModelServer } from '../kit/model-server.ts';
import { addProvider } from '../kit/models.ts';
import { callText } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import { openPage, type Look } from './chromium.ts';
import { writeHistory } from './history.ts';

/** One screen of the dashboard, ready to be looked at. A new page is a line here: it gets its axe runs and screenshots. */
export interface Screen {
  readonly name: string;
  readonly gateway: 'new' | 'empty' | 'filled';
  readonly path: string;
  /** What shows when the screen is complete. */
  readonly shows: string;
  /** Opens what is closed at first. */
  readonly act?: (page: Page) => Promise<unknown>;
}

/** Every screen. */
export const SCREENS: readonly Screen[] = [
  { name: 'setup', gateway: 'new', path: '/', shows: 'Welcome to Asbru' },
  { name: 'login', gateway: 'empty', path: '/login', shows: 'Sign in' },
  { name: 'first-minute', gateway: 'empty', path: '/', shows: 'Add a server' },
  {
    name: 'import-preview',
    gateway: 'empty',
    path: '/workspace/start',
    shows: 'Add a server',
    act: async (page) => {
      await page.getByLabel('Paste a URL').fill(IMPORTED);
      await page.getByRole('button', { name: 'Look at it' }).click();
      await page.getByLabel('Found servers').waitFor();
    },
  },
  { name: 'first-minute-done', gateway: 'filled', path: '/workspace/start', shows: 'Connect your client' },
  { name: 'servers', gateway: 'filled', path: '/', shows: 'tracker' },
  { name: 'server-tools', gateway: 'filled', path: '/workspace/mcp-registry/tracker', shows: 'whoami' },
  {
    name: 'server-tool',
    gateway: 'filled',
    path: '/workspace/mcp-registry/tracker',
    shows: 'whoami',
    act: (page) => page.getByRole('row', { name: /^echo / }).click(),
  },
  {
    name: 'server-connection',
    gateway: 'filled',
    path: '/workspace/mcp-registry/tracker?tab=connection',
    shows: 'Minutes between tool listings',
  },
  {
    name: 'server-credentials',
    gateway: 'filled',
    path: '/workspace/mcp-registry/tracker?tab=credentials',
    shows: 'How the gateway signs in',
  },
  {
    name: 'server-access',
    gateway: 'filled',
    path: '/workspace/mcp-registry/tracker?tab=access',
    shows: 'laptop',
  },
  {
    name: 'server-health',
    gateway: 'filled',
    path: '/workspace/mcp-registry/billing?tab=health',
    shows: 'last',
    act: (page) => page.getByRole('table', { name: 'Changes' }).waitFor(),
  },
  { name: 'server-logs', gateway: 'filled', path: '/workspace/mcp-registry/tracker?tab=logs', shows: 'Mean time' },
  { name: 'playground', gateway: 'filled', path: '/workspace/playground', shows: 'Choose a tool' },
  {
    name: 'playground-result',
    gateway: 'filled',
    path: '/workspace/playground?server=tracker&name=tracker-add',
    shows: 'Adds two numbers',
    act: async (page) => {
      await page.getByLabel('a *', { exact: true }).fill('2');
      await page.getByLabel('b *', { exact: true }).fill('40');
      await page.getByRole('button', { name: 'Call the tool' }).click();
      await page.getByText('it works').waitFor();
    },
  },
  {
    name: 'overview',
    gateway: 'filled',
    path: '/workspace/dashboard',
    shows: 'Top tools',
    act: (page) => page.locator('.u-over').first().waitFor(),
  },
  { name: 'mcp-logs', gateway: 'filled', path: '/workspace/mcp-logs', shows: 'whoami' },
  {
    name: 'mcp-log',
    gateway: 'filled',
    path: '/workspace/mcp-logs',
    shows: 'whoami',
    act: async (page) => {
      await page
        .getByRole('row', { name: /success.*echo/ })
        .first()
        .click();
      await page.getByLabel('Result', { exact: true }).waitFor();
    },
  },
  { name: 'llm-logs', gateway: 'filled', path: '/workspace/logs', shows: 'unheard-of' },
  {
    name: 'llm-log',
    gateway: 'filled',
    path: '/workspace/logs',
    shows: 'unheard-of',
    act: async (page) => {
      await page
        .getByRole('row', { name: /success.*gpt-5-mini/ })
        .first()
        .click();
      await page.getByRole('list', { name: 'Steps of the run' }).waitFor();
    },
  },
  {
    name: 'llm-log-plots',
    gateway: 'filled',
    path: '/workspace/logs?view=plots',
    shows: 'Requests by model',
    act: (page) => page.locator('.u-over').nth(4).waitFor(),
  },
  { name: 'audit', gateway: 'filled', path: '/workspace/audit-logs', shows: 'laptop' },
  {
    name: 'audit-entry',
    gateway: 'filled',
    path: '/workspace/audit-logs',
    shows: 'laptop',
    act: async (page) => {
      await page.getByRole('row', { name: /wiki/ }).first().click();
      await page.getByLabel('Differences').waitFor();
    },
  },
  {
    name: 'audit-undo',
    gateway: 'filled',
    path: '/workspace/audit-logs?entity=mcp_client&action=update&q=tracker',
    shows: 'tracker',
    act: async (page) => {
      await page
        .getByRole('row', { name: /tracker/ })
        .last()
        .click();
      await page.getByRole('button', { name: 'Undo' }).click();
      await page.getByRole('list', { name: 'Now, and then' }).waitFor();
    },
  },
  { name: 'settings', gateway: 'filled', path: '/workspace/settings', shows: 'Calls of tools' },
  { name: 'settings-api-keys', gateway: 'filled', path: '/workspace/settings?tab=api-keys', shows: 'Last used' },
  { name: 'settings-accounts', gateway: 'filled', path: '/workspace/settings?tab=accounts', shows: 'A viewer reads' },
  {
    name: 'settings-clients',
    gateway: 'filled',
    path: '/workspace/settings?tab=clients',
    shows: 'No client is signed',
  },
  { name: 'settings-password', gateway: 'filled', path: '/workspace/settings?tab=password', shows: 'Current password' },
  { name: 'keys', gateway: 'filled', path: '/workspace/virtual-keys', shows: 'laptop' },
  {
    name: 'key-make',
    gateway: 'filled',
    path: '/workspace/virtual-keys',
    shows: 'laptop',
    act: (page) => page.getByRole('button', { name: 'Make a key' }).click(),
  },
  ...(['tools', 'models', 'limits', 'settings'] as const).map((tab) => ({
    name: `key-${tab}`,
    gateway: 'filled' as const,
    path: '/workspace/virtual-keys?q=laptop',
    shows: 'laptop',
    act: async (page: Page) => {
      await page.getByRole('link', { name: 'laptop' }).click();
      await page.getByRole('tab', { name: TAB_WORDS[tab] }).click();
    },
  })),
  {
    name: 'key-why-not',
    gateway: 'filled',
    path: '/workspace/virtual-keys?q=laptop',
    shows: 'laptop',
    act: async (page) => {
      await page.getByRole('link', { name: 'laptop' }).click();
      await page.getByRole('tab', { name: 'Why not?' }).click();
      await page.getByLabel('Tool', { exact: true }).fill('wiki-whoami');
      await page.getByRole('option', { name: 'wiki-whoami' }).click();
      await page.getByLabel('Rules').waitFor();
    },
  },
  { name: 'teams', gateway: 'filled', path: '/workspace/teams', shows: 'platform' },
  {
    name: 'team',
    gateway: 'filled',
    path: '/workspace/teams',
    shows: 'platform',
    act: (page) => page.getByRole('row', { name: /platform/ }).click(),
  },
  { name: 'providers', gateway: 'filled', path: '/workspace/providers', shows: 'Anthropic' },
  { name: 'provider', gateway: 'filled', path: '/workspace/providers/anthropic', shows: 'Retries' },
  {
    name: 'provider-key',
    gateway: 'filled',
    path: '/workspace/providers/anthropic',
    shows: 'Retries',
    act: (page) => page.getByRole('row', { name: /production/ }).click(),
  },
  {
    name: 'provider-add',
    gateway: 'empty',
    path: '/workspace/providers',
    shows: 'No provider yet',
    act: async (page) => {
      await page.getByRole('button', { name: 'Add a provider' }).click();
      await page.getByRole('switch', { name: 'A provider of your own' }).click();
    },
  },
  { name: 'prices', gateway: 'filled', path: '/workspace/pricing-overrides', shows: 'our contract' },
  {
    name: 'price',
    gateway: 'filled',
    path: '/workspace/pricing-overrides',
    shows: 'our contract',
    act: (page) => page.getByRole('row', { name: /our contract/ }).click(),
  },
  { name: 'approvals', gateway: 'filled', path: '/workspace/mcp-approvals', shows: 'delete everything' },
  {
    name: 'credentials',
    gateway: 'filled',
    path: '/workspace/mcp-sessions?doctor=mail',
    shows: 'laptop',
    act: async (page) => {
      await page.getByRole('button', { name: 'Diagnose' }).click();
      await page.getByLabel('Steps').waitFor();
    },
  },
  {
    name: 'command-palette',
    gateway: 'filled',
    path: '/workspace/mcp-registry',
    shows: 'tracker',
    act: (page) => page.keyboard.press('Control+k'),
  },
];

const TAB_WORDS = {
  tools: 'Tools',
  models: 'Models',
  limits: 'Budgets and limits',
  settings: 'Settings',
} as const;

const IMPORTED = JSON.stringify({
  mcpServers: {
    'my-notes': { command: 'npx', args: ['-y', 'notes-mcp'], env: { NOTES_TOKEN: '${env:NOTES_TOKEN}' } },
    tracker: { url: 'https://tracker.example.com/mcp' },
  },
});

/** The gateways that the screens need. */
export interface Stage extends AsyncDisposable {
  readonly gateways: Readonly<Record<Screen['gateway'], TestGateway>>;
}

/** Starts one gateway that nobody has set up, one without servers, and one with servers, keys and troubles. */
export async function startStage(): Promise<Stage> {
  await using cleanup = new AsyncDisposableStack();
  const start = async (more: GatewayOptions = {}) =>
    cleanup.use(await startGateway({ timing: { healthIntervalMs: 200, failuresToDisconnect: 1 }, ...more }));
  const { path: appDir } = cleanup.use(await temporaryDirectory());
  await writeHistory(appDir);
  const gateways = { new: await start(), empty: await start(), filled: await start({ appDir }) };
  await setUp(gateways.empty);
  await setUp(gateways.filled);
  await fill(gateways.filled, cleanup);
  await fillPeople(gateways.filled);
  const running = cleanup.move();
  return { gateways, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function fill(gateway: TestGateway, cleanup: AsyncDisposableStack): Promise<void> {
  const tracker = cleanup.use(await startUpstream());
  const flaky = await startUpstream();
  await gateway.createClient(
    httpClient(tracker.url, { client_id: 'tracker', name: 'tracker', headers: { 'X-Team': 'platform-secret' } }),
  );
  await gateway.createClient(httpClient(flaky.url, { client_id: 'billing', name: 'billing' }));
  await gateway.createClient(httpClient(tracker.url, { client_id: 'wiki', name: 'wiki', tools_to_execute: ['echo'] }));
  await gateway.update('wiki', { disabled: true });
  await flaky.stop();
  await waitFor(async () => (await gateway.getClient('billing')).state !== 'connected', 'a state that says so');
  const models = cleanup.use(await startModelServer());
  await fillAccess(gateway, tracker.url, models.anthropicUrl);
  await fillModels(gateway, models);
}

/** Requests to models: a run of an agent, one that failed, and one whose cost nobody knows. */
async function fillModels(gateway: TestGateway, models: ModelServer): Promise<void> {
  await addProvider(gateway, 'openai', models.openaiUrl, {
    network_config: { base_url: models.openaiUrl, max_retries: 0 },
  });
  await gateway.update('tracker', { tools_to_auto_execute: ['echo'], headers: { 'X-Team': 'another-team' } });
  const ask = (model: string, content: string) =>
    gateway.api('POST', '/v1/chat/completions', { model: `openai/${model}`, messages: [{ role: 'user', content }] });
  models.script(
    { calls: [{ name: 'tracker-echo', args: { text: 'the release is out' } }] },
    { text: 'The tracker knows that the release is out.' },
    { raw: { status: 429, body: JSON.stringify({ error: { message: 'too many requests' } }) } },
    { text: 'Nobody knows what this costs.' },
  );
  await gateway.api('POST', '/api/governance/pricing-overrides', {
    ...{ name: 'our contract', scope_kind: 'provider', provider_id: 'openai', match_type: 'wildcard' },
    ...{ pattern: 'gpt-4*', patch: { input: 1.25, output: 10, cache_read: 0.125 } },
  });
  await ask('gpt-5-mini', 'Tell the tracker that the release is out.');
  await ask('gpt-5', 'Sum up the week.');
  await ask('unheard-of', 'What does this cost?');
}

/** Keys with budgets, a team, providers, a call that waits and a credential that is to be entered. */
async function fillAccess(gateway: TestGateway, url: string, modelsUrl: string): Promise<void> {
  const personal = { client_id: 'mail', name: 'mail', user_headers: SAMPLE, tools_to_approve: ['echo'] };
  await allowLinks(gateway);
  await gateway.createClient(personalClient(url, personal));
  await gateway.createClient(
    httpClient(url, { client_id: 'files', name: 'files', tools_to_approve: ['echo'], allow_on_all_virtual_keys: true }),
  );
  const post = async (path: string, body: unknown): Promise<ApiAnswer['body']> => {
    const answer = await gateway.api('POST', path, body);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const budgets = [{ max_limit: 50, reset_duration: '1M', calendar_aligned: true }];
  const { team } = await post('/api/governance/teams', { name: 'platform', budgets });
  await post('/api/providers', {
    name: 'anthropic',
    network_config: { base_url: modelsUrl },
    keys: [{ name: 'production', value: 'sk-canary', models: ['*'], weight: 2 }],
  });
  const { virtual_key } = await post('/api/governance/virtual-keys', {
    name: 'laptop',
    team_id: (team as { id: string }).id,
    budgets: [{ max_limit: 5, reset_duration: '1d' }],
    rate_limit: { request_max_limit: 100, request_reset_duration: '1m' },
    provider_configs: [{ provider: 'anthropic', allowed_models: ['*'], key_ids: ['*'] }],
    mcp_configs: [{ mcp_client_name: 'tracker', tools_to_execute: ['echo', 'whoami'] }],
  });
  await callText(gateway, 'tracker-echo', { text: 'release notes of this week' });
  await callText(gateway, 'tracker-whoami');
  await callText(gateway, 'billing-echo').catch(() => 'it is out of order, which the logs tell');
  const headers = { authorization: `Bearer ${(virtual_key as { value: string }).value}` };
  await gateway.update('tracker', { tool_pricing: { echo: 0.35 } });
  for (const text of ['open tickets', 'tickets of ada', 'what is new', 'what is late', 'who is on call', 'release 2.1'])
    await gateway.execute('tracker-echo', { text }, headers);
  await gateway.execute('files-echo', { text: 'delete everything', force: true }, headers);
  await gateway.execute('mail-whoami', {}, headers);
}

/** Who manages the gateway besides the first admin, with what. */
async function fillPeople(gateway: TestGateway): Promise<void> {
  await addUser(gateway, 'ada', 'editor');
  await addUser(gateway, 'grace', 'viewer');
  await gateway.api('POST', '/api/api-keys', { name: 'deploy', scopes: ['read', 'write'] });
  await gateway.api('POST', '/api/governance/customers', { name: 'Northwind' });
}

/** Shows screens, one window for each gateway and look. */
export function createViewer(browser: Browser, { gateways }: Stage) {
  const windows = new Map<string, ReturnType<typeof openWindow>>();

  async function openWindow(gateway: Screen['gateway'], look: Look) {
    const opened = await openPage(browser, gateways[gateway].address, look);
    if (gateway !== 'new') await signIn(opened.page);
    return opened;
  }

  return {
    /** Gives the page when the screen is complete, and the faults since then, which belong to it. */
    async show({ gateway, path, shows, act }: Screen, look: Look) {
      const name = `${gateway} ${look.theme} ${look.width}`;
      const opening = windows.get(name) ?? openWindow(gateway, look);
      windows.set(name, opening);
      const { page, faults } = await opening;
      faults.length = 0;
      await page.goto(path, { waitUntil: 'commit' });
      await page.getByText(shows).first().waitFor();
      await act?.(page);
      await page.waitForTimeout(150); // the last frame of what moves
      return { page, faults };
    },
  };
}

/** Signs the window in as the admin, without the page for it. */
export async function signIn(page: Page): Promise<void> {
  const answer = await page.request.post('/api/session/login', { data: { username: 'root', password: PASSWORD } });
  if (!answer.ok()) throw new Error(`login: ${answer.status()} ${await answer.text()}`);
}
