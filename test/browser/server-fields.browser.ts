import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { McpClientView } from '../../src/contract/mcp-client.ts';
import { setUp } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { inProcessServer } from '../kit/in-process.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { allowLinks } from '../kit/personal.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { openChromium, openPage } from './chromium.ts';
import { ACCESS_ROWS } from './fields/access.ts';
import { CONNECTION_ROWS } from './fields/connection.ts';
import { CREDENTIAL_ROWS } from './fields/credentials.ts';
import { contractPaths, done, NOT_EDITED, SEED_FIELDS, type FieldRow } from './fields/field.ts';
import { OAUTH_ROWS } from './fields/oauth.ts';
import { TLS_ROWS } from './fields/tls.ts';
import { TOOL_ROWS } from './fields/tools.ts';
import { signIn } from './screens.ts';

const ROWS = [...TOOL_ROWS, ...CONNECTION_ROWS, ...TLS_ROWS, ...CREDENTIAL_ROWS, ...OAUTH_ROWS, ...ACCESS_ROWS];

/** A minute of configuration takes 50 ms. */
const TIMING = { healthIntervalMs: 50, minuteMs: 50, backOff: () => 50 };

const cleanup = new AsyncDisposableStack();
let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;
let key: TestKey;
let page: Page;
let faults: string[];
let sent: unknown[] = [];

beforeAll(async () => {
  browser = await openChromium();
  cleanup.defer(() => browser.close());
  upstream = cleanup.use(await startUpstream());
  gateway = cleanup.use(await startGateway({ timing: TIMING, inprocess: { local: inProcessServer().create } }));
  await setUp(gateway);
  await allowLinks(gateway);
  key = await createKey(gateway, 'narrow');
  ({ page, faults } = await openPage(browser, gateway.address));
  page.on('request', (request) => {
    if (request.method() === 'PUT') sent.push(request.postDataJSON());
  });
  await signIn(page);
});

afterAll(() => cleanup.disposeAsync());

describe('every field of PUT /api/mcp/client/{id} is edited in a form, sent alone, stored and seen at work', () => {
  test.each(ROWS.map((row) => [`${row.fields.join(', ')}: ${row.says}`, row] as const))('%s', (_, row) => run(row));
});

test('no field of the contract, and none of the reference, lacks a row', () => {
  const edited = new Set(ROWS.flatMap(({ fields }) => fields));
  const paths = contractPaths();
  expect(paths).toEqual(expect.arrayContaining(['name', 'tls_config.ca_cert_pem', 'vk_configs.tools_to_execute']));
  const missing = paths.filter((path) => !edited.has(path) && NOT_EDITED[path] === undefined);
  expect(missing).toEqual([]);
  const known = new Set(paths.map(rootOf));
  expect(SEED_FIELDS.filter((field) => !known.has(field))).toEqual([]);
});

test('the page shows the id, which the path says and no form changes', async () => {
  await gateway.createClient({
    name: 'c1',
    client_id: 'the-id',
    connection_type: 'http',
    connection_string: upstream.url,
  });
  await page.goto('/workspace/mcp-registry/the-id?tab=connection');
  await page.getByText('Id: the-id').waitFor();
});

async function run(row: FieldRow): Promise<void> {
  await using own = new AsyncDisposableStack();
  own.defer(async () => void (await gateway.api('DELETE', '/api/mcp/client/c1')));
  const { client, edit, sends, shows, finish, works } = await row.begin({ gateway, page, upstream, key, cleanup: own });
  if (typeof client === 'function') await client();
  else done(await gateway.api('POST', '/api/mcp/client', { client_id: 'c1', ...client }));
  const before = await gateway.getClient('c1');
  await page.goto(`/workspace/mcp-registry/c1?tab=${row.tab}`);
  await page.getByRole('tab', { name: TAB_WORDS[row.tab] }).waitFor();
  await edit(page);
  sent = [];
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });
  expect(sent).toEqual([sends]);
  await finish?.(page);
  const after = await gateway.getClient('c1');
  expect(after).toMatchObject(shows ?? { config: sends });
  expect(others(after, row)).toEqual(others(before, row));
  await works();
  expect(faults).toEqual([]);
}

const TAB_WORDS = { tools: 'Tools', connection: 'Connection', credentials: 'Credentials', access: 'Access' } as const;

/** What the row is not about, which must stay as it was. */
function others({ config, vk_configs }: McpClientView, { fields }: FieldRow): [string, unknown][] {
  const roots = new Set(fields.map(rootOf));
  // Signing in gives the server a configuration to sign in with.
  if (roots.has('oauth_config')) roots.add('oauth_config_id');
  return Object.entries({ ...config, vk_configs }).filter(([field]) => !roots.has(field));
}

function rootOf(path: string): string {
  return path.replace(/\..*/, '');
}
