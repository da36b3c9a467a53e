import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { startChildGateway } from '../kit/child-gateway.ts';
import { httpClient, randomApiKey } from '../kit/gateway.ts';
import { callText, listedTools } from '../kit/scene.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { parseConfig } from '../../src/config/file.ts';
import { databaseOptions } from '../../src/config/open-stores.ts';
import { connect } from '../../src/store/database.ts';

test.each(SHARED)('three gateways that start at once on an empty %s migrate it once, and all serve', async (type) => {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream());
  const { settings, exchange } = stack.use(await openShared(type));
  const config = {
    ...settings.config,
    mcp: { client_configs: [httpClient(upstream.url)] },
    governance: { virtual_keys: [{ id: 'k1', name: 'ci' }] },
    providers: { openai: { keys: [{ name: 'main', value: 'sk-1' }] } },
  };
  const options = { ...settings, config, apiKey: randomApiKey(), passphrase: 'a passphrase that all of them know' };
  const starting = Array.from({ length: 3 }, () => startChildGateway(options, { exchange }));
  const started = await Promise.allSettled(starting);
  for (const outcome of started) if (outcome.status === 'fulfilled') stack.use(outcome.value);
  expect(started.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  for (const gateway of await Promise.all(starting)) {
    // A gateway serves before it has reached its servers.
    await waitFor(async () => (await listedTools(gateway)).includes('c1-echo'), 'the tools of the server');
    expect(await callText(gateway, 'c1-echo', { text: 'hi' })).toBe('hi');
    expect((await gateway.api('GET', '/api/api-keys')).body['total_count']).toBe(1);
    expect((await gateway.api('GET', '/api/audit-logs/verify')).body).toMatchObject({ is_intact: true });
  }

  const { db } = await connect(
    databaseOptions(settings.appDir, parseConfig(JSON.stringify(settings.config ?? {})).file),
  );
  stack.defer(() => db.destroy());
  const { rows } = await sql<{ n: number }>`select cast(count(*) as integer) as n from kysely_migration`.execute(db);
  expect(rows.every(({ n }) => n > 1)).toBe(true);
  expect(await db.selectFrom('mcp_clients').select('name').execute()).toEqual([{ name: 'c1' }]);
});
