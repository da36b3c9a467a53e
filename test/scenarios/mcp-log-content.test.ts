import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, freshDatabase, getKey, updateKey } from '../kit/keys.ts';
import { getLog, lastLog, readLogs } from '../kit/logs.ts';
import { startRawUpstream, type RawUpstream } from '../kit/raw-upstream.ts';
import { startScene } from '../kit/scene.ts';
import { postModern } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const grants = { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }] };

async function configure(gateway: GatewayAccess, client_config: JsonObject): Promise<void> {
  const { status, body } = await gateway.api('PUT', '/api/config', { client_config });
  expect(status, JSON.stringify(body)).toBe(200);
}

describe.each(DATABASES)('long content on %s', (database) => {
  test('a list shows the beginning, a single row all of it up to 64 KiB', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    const text = 'äöü-'.repeat(1000);
    await gateway.execute('c1-echo', { text });
    const inList = await lastLog(gateway);
    expect(inList).toMatchObject({ arguments_truncated: true, result_truncated: true });
    expect(inList.arguments).toBe(JSON.stringify({ text }).slice(0, 1000));
    expect(String(inList.result)).toHaveLength(1000);
    const alone = await getLog(gateway, inList.id);
    expect(alone).toMatchObject({ arguments: { text }, result: { content: [{ type: 'text', text }] } });
    expect(alone).not.toHaveProperty('arguments_truncated');
    expect(alone).not.toHaveProperty('result_truncated');

    const huge = 'x'.repeat(200_000);
    await gateway.execute('c1-echo', { text: huge });
    const { id } = await lastLog(gateway);
    const cut = await getLog(gateway, id);
    expect(cut).toMatchObject({ arguments_truncated: true, result_truncated: true, status: 'success' });
    expect(cut.arguments).toBe(JSON.stringify({ text: huge }).slice(0, 65_536));
    expect(String(cut.result)).toHaveLength(65_536);
  });

  test('text that a database may not like is kept as well as it can', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    for (const text of ['zero \u0000 here', 'half \ud83d a pair', "'; drop table mcp_logs; --"]) {
      expect((await gateway.execute('c1-echo', { text })).status).toBe(200);
      expect((await lastLog(gateway)).status).toBe('success');
    }
    expect((await lastLog(gateway)).arguments).toEqual({ text: "'; drop table mcp_logs; --" });
    expect((await readLogs(gateway)).stats.total_executions).toBe(3);
  });
});

/** The gateway's setting, the key's, whether the header counts, the header → is content kept? */
const PRECEDENCE: [gateway: boolean, key: boolean | null, allow: boolean, header: string | undefined, kept: boolean][] =
  [
    [false, null, false, undefined, true],
    [true, null, false, undefined, false],
    [false, true, false, undefined, false],
    [true, false, false, undefined, true],
    [false, null, false, 'true', true],
    [true, null, false, 'false', false],
    [false, null, true, 'true', false],
    [true, null, true, 'false', true],
    [true, true, true, 'FALSE', true],
    [false, false, true, 'True', false],
    [true, null, true, 'perhaps', false],
    [true, false, true, '', true],
  ];

test('content is kept or not by the gateway’s setting, the key’s, and the header where it counts', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const key = await createKey(gateway, 'k1', grants);
  for (const row of PRECEDENCE) {
    const [off, keyOff, allow, header, kept] = row;
    await configure(gateway, { disable_content_logging: off, allow_per_request_content_storage_override: allow });
    await updateKey(gateway, key, { disable_content_logging: keyOff });
    expect((await getKey(gateway, key)).disable_content_logging).toBe(keyOff);
    const more = header === undefined ? {} : { 'x-bf-disable-content-logging': header === '' ? ' ' : header };
    const headers = { authorization: `Bearer ${key.value}`, ...more };
    expect((await gateway.execute('c1-echo', { text: 'secret' }, headers)).status).toBe(200);
    const overRest = await lastLog(gateway);
    await postModern(key, 'tools/call', { name: 'c1-echo', arguments: { text: 'secret' } }, { headers: more });
    const overMcp = await lastLog(gateway);
    expect(overMcp.id).not.toBe(overRest.id);
    for (const { id } of [overRest, overMcp]) {
      const log = await getLog(gateway, id);
      expect(log, JSON.stringify(row)).toMatchObject({ status: 'success', tool_name: 'echo', virtual_key_name: 'k1' });
      expect('arguments' in log, JSON.stringify(row)).toBe(kept);
      expect('result' in log, JSON.stringify(row)).toBe(kept);
      expect(JSON.stringify(log).includes('secret'), JSON.stringify(row)).toBe(kept);
    }
  }
});

/** How a server may say that something went wrong, and what the row calls it. */
const FAULTS: [set: Partial<RawUpstream>, code: string, words: string][] = [
  [{ resultText: '{"isError":true,"content":[{"type":"text","text":"canary"}]}' }, 'tool_error', 'canary'],
  [{ resultText: '{"isError":true,"content":"canary"}' }, 'tool_error', ''],
  [{ errorText: '{"code":-32602,"message":"canary"}' }, 'rpc_error -32602', 'canary'],
  [{ errorText: '{"code":7,"message":{"a":"canary"}}' }, 'rpc_error 7', ''],
  [{ errorText: '{"code":"canary","message":"no"}' }, 'rpc_error', 'no'],
  [{ errorText: '"canary"' }, 'rpc_error', ''],
  [{ refusal: [500, 'canary'] }, 'upstream_bad_reply', 'HTTP 500: canary'],
  [{ refusal: [403, 'canary'] }, 'upstream_unauthorized', 'canary'],
];

test.for(FAULTS)('what a server says of a failure is content like any other: %j', async ([fault, code, words]) => {
  await using upstream = await startRawUpstream();
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(upstream.url));
  Object.assign(upstream, fault);
  const params = { name: 'c1-any', arguments: {} };
  const { reply } = await postModern(gateway, 'tools/call', params);
  if (fault.errorText !== undefined) expect(reply.error).toEqual(JSON.parse(fault.errorText));
  else if (fault.refusal === undefined) expect(reply.result).toMatchObject({ isError: true });
  const told = (await lastLog(gateway)).error_details;
  expect(told?.type).toBe(code);
  expect(told?.error?.message).toContain(words);

  await configure(gateway, { disable_content_logging: true });
  await postModern(gateway, 'tools/call', params);
  const { logs } = await readLogs(gateway);
  expect(logs).toHaveLength(2);
  expect(logs[0]).toMatchObject({ status: 'error', error_details: { type: code } });
  expect(JSON.stringify(logs[0])).not.toContain('canary');
});

test('named headers are kept, those with credentials never', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const secrets = ['authorization', 'cookie', 'x-bf-vk', 'x-api-key', 'x-goog-api-key', 'api-key', 'x-auth-token'];
  const names = ['X-Tenant', 'x-run', 'x-absent', ...secrets];
  await configure(gateway, { logging_headers: names });
  const key = await createKey(gateway, 'k1', grants);
  const headers = {
    'x-tenant': 'acme',
    'x-run': '7',
    'x-unnamed': 'no',
    ...Object.fromEntries(secrets.map((name) => [name, 'canary'])),
    authorization: `Bearer ${key.value}`,
    'x-bf-vk': key.value,
  };
  expect((await gateway.execute('c1-echo', { text: 'hi' }, headers)).status).toBe(200);
  await postModern(key, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' } }, { headers });
  const { logs } = await readLogs(gateway);
  expect(logs).toHaveLength(2);
  for (const { id } of logs) {
    const log = await getLog(gateway, id);
    expect(log.metadata).toEqual({ 'x-tenant': 'acme', 'x-run': '7' });
    for (const secret of ['canary', key.value]) expect(JSON.stringify(log)).not.toContain(secret);
  }
  await configure(gateway, { logging_headers: [] });
  await gateway.execute('c1-echo', { text: 'hi' }, headers);
  expect(await lastLog(gateway)).not.toHaveProperty('metadata');
});
