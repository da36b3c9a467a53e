import { Client } from 'pg';
import { expect, test } from 'vitest';
import { postgresUrl } from '../../test/kit/databases.ts';
import { startSlowLink } from '../../test/kit/slow-link.ts';
import { guardClient } from './postgres-client.ts';

/** A guarded connection by a way that can be closed. */
async function connectGuarded(limitMs: number | undefined) {
  const url = new URL(await postgresUrl());
  const link = await startSlowLink(Number(url.port));
  url.port = String(link.port);
  const client = new Client({ connectionString: url.href });
  client.on('error', () => {});
  await client.connect();
  guardClient(client, { place: 'db7', limitMs: () => limitMs });
  return { client, link };
}

test('a statement that gets no answer is given up, and its connection with it', async () => {
  const { client, link } = await connectGuarded(100);
  await using _link = link;
  link.hold(true);
  const message = 'No answer from the PostgreSQL database at db7: nothing came back within 0.1 s';
  await expect(client.query('select 1')).rejects.toMatchObject({ code: 'database_unavailable', message });
  link.hold(false);
  await expect(client.query('select 1')).rejects.toMatchObject({ code: 'database_unavailable' });
});

test('a connection that is lost in a statement is the fault of the database, a statement that is wrong is not', async () => {
  const { client, link } = await connectGuarded(undefined);
  await using _link = link;
  await expect(client.query('select nothing')).rejects.toMatchObject({ code: '42703' });
  const waiting = expect(client.query('select pg_sleep(60)')).rejects.toMatchObject({ code: 'database_unavailable' });
  link.cut(true);
  await waiting;
});
