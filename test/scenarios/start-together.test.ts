import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { startChildGateway } from '../kit/child-gateway.ts';
import { newPostgresUrl } from '../kit/databases.ts';
import { httpClient, randomApiKey } from '../kit/gateway.ts';
import { callText } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { connect } from '../../src/store/database.ts';

test('three gateways that start at once on an empty PostgreSQL migrate it once, and all serve', async () => {
  await using upstream = await startUpstream();
  const url = await newPostgresUrl();
  const config = {
    config_store: { enabled: true, type: 'postgres', config: { url } },
    mcp: { client_configs: [httpClient(upstream.url)] },
    governance: { virtual_keys: [{ id: 'k1', name: 'ci' }] },
    providers: { openai: { keys: [{ name: 'main', value: 'sk-1' }] } },
  };
  const options = { config, apiKey: randomApiKey(), passphrase: 'a passphrase that all of them know' };
  const starting = Array.from({ length: 3 }, () => startChildGateway(options));
  const started = await Promise.allSettled(starting);
  await using stack = new AsyncDisposableStack();
  for (const outcome of started) if (outcome.status === 'fulfilled') stack.use(outcome.value);
  expect(started.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  for (const gateway of await Promise.all(starting)) {
    expect(await callText(gateway, 'c1-echo', { text: 'hi' })).toBe('hi');
    expect((await gateway.api('GET', '/api/api-keys')).body['total_count']).toBe(1);
    expect((await gateway.api('GET', '/api/audit-logs/verify')).body).toMatchObject({ is_intact: true });
  }

  const { db } = await connect({ type: 'postgres', config: { url } });
  stack.defer(() => db.destroy());
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from kysely_migration union all select count(*)::int from ledger_migration`.execute(db);
  expect(rows.every(({ n }) => n > 1)).toBe(true);
  expect(await db.selectFrom('mcp_clients').select('name').execute()).toEqual([{ name: 'c1' }]);
});
