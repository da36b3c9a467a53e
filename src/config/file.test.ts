import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../test/kit/temporary-directory.ts';
import { configJsonSchema, loadConfigFile, parseConfig } from './file.ts';

const parse = (value: unknown) => parseConfig(JSON.stringify(value));
const price = { id: 'x', name: 'x', pattern: 'gpt-x', patch: { input: 1, output: 2, cache_read: 0 } };
const wiki = { name: 'wiki', connection_type: 'http', connection_string: 'env.WIKI_URL' };

test('a missing file is an empty one, unless it was named', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'config.json');
  expect(await loadConfigFile(path, { isNamed: false })).toEqual({
    file: {},
    clients: undefined,
    settings: undefined,
    warnings: [],
  });
  await expect(loadConfigFile(path, { isNamed: true })).rejects.toMatchObject({
    code: 'invalid_configuration',
    message: expect.stringContaining(`${path} cannot be read: ENOENT`),
  });
});

test('a file is read, with or without a byte order mark', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'config.json');
  await writeFile(path, `\uFEFF${JSON.stringify({ version: 2, mcp: { client_configs: [wiki] } })}`);
  const { file, clients } = await loadConfigFile(path, { isNamed: true });
  expect(file.version).toBe(2);
  expect(clients).toEqual([wiki]);
});

test('broken JSON is refused with its place and without what stands there', () => {
  expect(() => parseConfig('{\n  "a": 1,\n}')).toThrow(/^config\.json is not valid JSON: .*line 3 column 1/);
  const leak = () => parseConfig('{"password": hunter2}');
  expect(leak).toThrow('config.json is not valid JSON: Unexpected token');
  expect(leak).not.toThrow('hunter2');
});

test('every broken rule is named with its field', () => {
  const name = () => parse({ mcp: { client_configs: [{ ...wiki, name: 'my-wiki', headers: { 'X Y': 'z' } }] } });
  expect(name).toThrow(/^config\.json: mcp\.client_configs\[0\]\.name: must not contain "-"/);
  expect(name).toThrow(/\nconfig\.json: mcp\.client_configs\[0\]\.headers\["X Y"\]: /);
  expect(() => parse({ client: { mcp_agent_depth: 0 } })).toThrow('client.mcp_agent_depth: must be at least 1');
  const prices = (entry: object) => parse({ governance: { pricing_overrides: [price, { ...price, ...entry }] } });
  expect(() => prices({ patch: { input: -1 } })).toThrow(/pricing_overrides\[1\]\.patch\.input: must not be negative/);
  expect(() => prices({ id: 'a/b' })).toThrow('governance.pricing_overrides[1].id: must be letters');
  expect(() => prices({ request_types: ['chat'] })).toThrow(/pricing_overrides\[1\]: .*"request_types"/);
  expect(() => prices({ request_types: ['chat'] })).toThrow(/the fields are name, .*, pattern, patch$/);
  expect(() => prices({ patch: '{}' })).toThrow(/\[1\]\.patch: must be an object: prices in USD .* input, output/);
  expect(() => prices({ patch: { ...price.patch, image: 1 } })).toThrow(/\[1\]\.patch: must not have "image", /);
  const priceMap = () => parse({ governance: { pricing_overrides: { 'gpt-5': price } } });
  expect(priceMap).toThrow('governance.pricing_overrides: must be a list, such as [{"name": ');
  const interval = { mcp: { client_configs: [{ ...wiki, tool_sync_interval: 'often' }] } };
  expect(() => parse(interval)).toThrow('mcp.client_configs[0].tool_sync_interval: ');
  const timeout = { mcp: { client_configs: [wiki, { ...wiki, tool_execution_timeout: '-5s' }] } };
  expect(() => parse(timeout)).toThrow('mcp.client_configs[1].tool_execution_timeout: must be >= 0');
});

test('unknown keys are warned of with their path, at every depth', () => {
  const { warnings } = parse({
    $schema: 'x',
    governance: { virtual_keys: [{ name: 'k', tokens: 1 }], pricing_overrides: [price], auth_confg: {} },
    client: { mcp_agent_depht: 3 },
    mcp: {
      inprocess: { any: './name.ts' },
      client_configs: [
        { ...wiki, headers: { Anything: { value: 'x', valeu: 'y' } }, tls_config: { ca: 'x' }, stdio_config: null },
      ],
    },
    config_store: { type: 'sqlite', config: { path: 'x', host: 'y' } },
  });
  expect(
    warnings.map((warning) => warning.replace(/^config\.json: (.*) is not known and has no effect$/, '$1')),
  ).toEqual([
    'governance.virtual_keys[0].tokens',
    'governance.auth_confg',
    'client.mcp_agent_depht',
    'mcp.client_configs[0].headers.Anything.valeu',
    'mcp.client_configs[0].tls_config.ca',
    'config_store.config.host',
  ]);
});

test('durations become minutes and seconds, and a short one does not become 0', () => {
  const times = (tool_sync_interval: unknown, tool_execution_timeout: unknown) => {
    const { clients } = parse({ mcp: { client_configs: [{ ...wiki, tool_sync_interval, tool_execution_timeout }] } });
    return [clients?.[0]?.tool_sync_interval, clients?.[0]?.tool_execution_timeout];
  };
  expect(times('1h30m', '45s')).toEqual([90, 45]);
  expect(times(600_000_000_000, 1_500_000_000)).toEqual([10, 2]);
  expect(times('10s', '1ms')).toEqual([1, 1]);
  expect(times('-1s', null)).toEqual([-1, undefined]);
});

test('a number that is hardly nanoseconds is warned of', () => {
  const { warnings } = parse({ mcp: { client_configs: [{ ...wiki, tool_execution_timeout: 30 }] } });
  expect(warnings).toEqual([
    expect.stringContaining('mcp.client_configs[0].tool_execution_timeout is read as nanoseconds'),
  ]);
});

test('settings are gathered from both sections, and "client" wins', () => {
  const { settings } = parse({
    client: { mcp_agent_depth: 4 },
    mcp: {
      tool_sync_interval: '5m',
      tool_manager_config: { tool_execution_timeout: 20, max_agent_depth: 9, disable_auto_tool_inject: true },
    },
  });
  expect(settings).toEqual({
    mcp_agent_depth: 4,
    mcp_tool_sync_interval: 5,
    mcp_tool_execution_timeout: 20,
    mcp_disable_auto_tool_inject: true,
  });
  const manager = { mcp: { tool_manager_config: { tool_execution_timeout: '2m' } } };
  expect(parse(manager).settings).toEqual({ mcp_tool_execution_timeout: 120 });
});

test('the JSON Schema tells editors the sections, and that durations may be text or numbers', () => {
  const { mcp, source_of_truth } = configJsonSchema().properties ?? {};
  expect(source_of_truth).toMatchObject({ enum: ['split', 'config.json'] });
  expect(mcp).toMatchObject({
    properties: { tool_sync_interval: { anyOf: [{ type: 'string' }, { type: 'number' }] } },
  });
});
