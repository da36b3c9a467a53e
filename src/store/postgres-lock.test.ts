import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { sql } from 'kysely';
import { afterEach, expect, test, vi } from 'vitest';
import { openTestDatabase, postgresUrl } from '../../test/kit/databases.ts';
import { postgres } from './postgres.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A way to a TCP server that can go dead: nothing passes any more, and nobody says that it is over. */
async function startMortalLink(port: number) {
  const sockets: Socket[] = [];
  const state = { isDead: false };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const onward = connect(port, '127.0.0.1');
    sockets.push(socket, onward);
    socket.on('data', (chunk) => void (state.isDead || onward.write(chunk)));
    onward.on('data', (chunk) => void (state.isDead || socket.write(chunk)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
}

test('a lock is let go of although the database is gone without a word', async () => {
  const url = new URL(await postgresUrl());
  using link = await startMortalLink(Number(url.port));
  url.port = String(link.port);
  const { lock } = postgres({ url: url.href }, () => undefined);
  const held = await lock('a row', true);
  link.isDead = true;
  await held?.[Symbol.asyncDispose]();
});

test('the lock of a row is not waited for without end', async () => {
  await using database = await openTestDatabase('postgres');
  const { db, dialect } = database;
  await using _held = await dialect.lock('a row', true);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const waiting = expect(dialect.lock('a row', true)).rejects.toMatchObject({ code: 'database_unavailable' });
  const isWaiting = sql<{
    count: string;
  }>`select count(*) as count from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  for (let count = 0; count === 0;) count = Number((await isWaiting.execute(db)).rows[0]?.count);
  vi.advanceTimersByTime(60_000);
  await waiting;
});
