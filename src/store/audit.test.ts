import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase, postgresUrl, type TestDatabase } from '../../test/kit/databases.ts';
import { createAuditChain, HEAD, type AuditRow } from './audit-chain.ts';
import { createAuditStore, type NewAuditEntry } from './audit.ts';
import { openDatabase, type Database } from './database.ts';
import { createSettingsStore } from './settings.ts';

const key = randomBytes(32);

function entry(more: Partial<NewAuditEntry> = {}): NewAuditEntry {
  return {
    actor: 'api-key:1',
    actor_name: 'admin',
    action: 'update',
    entity: 'mcp_client',
    entity_id: 'c1',
    entity_name: 'github',
    before: '{"disabled":false}',
    after: '{"disabled":true}',
    request: { method: 'PUT', path: '/api/mcp/client/c1' },
    ...more,
  };
}

const append = (database: Database, ...entries: NewAuditEntry[]) =>
  database.transaction(async (tx) => {
    for (const each of entries) await createAuditStore(database.db, key).with(tx).append(each);
  });

/** What somebody does first who may change the schema. */
async function dropTriggers({ db, dialect }: Database): Promise<void> {
  if (dialect.type === 'postgres') await sql`alter table audit_logs disable trigger user`.execute(db);
  else
    for (const event of ['update', 'delete', 'insert'])
      await sql.raw(`drop trigger audit_logs_no_${event}`).execute(db);
}

const anyText = fc.string({ unit: 'binary', maxLength: 40 });
const anyEntry: fc.Arbitrary<NewAuditEntry> = fc.record({
  actor: anyText,
  actor_name: fc.oneof(anyText, fc.constantFrom('\0', '\uD800', '\u{1F309}')),
  action: fc.constantFrom('create', 'update', 'delete'),
  entity: fc.constantFrom('mcp_client', 'api_key', 'settings'),
  entity_id: anyText,
  entity_name: anyText,
  before: fc.option(fc.json()),
  after: fc.option(fc.json()),
  request: fc.option(fc.record({ method: anyText, path: anyText }), { nil: undefined }),
});

describe.each(DATABASES)('the audit trail on %s', (type) => {
  async function trailOf(length: number): Promise<TestDatabase> {
    const database = await openTestDatabase(type);
    await append(database, ...Array.from({ length }, (_, index) => entry({ entity_id: `c${index + 1}` })));
    return database;
  }
  const verify = ({ db }: Database) => createAuditStore(db, key).verify();

  test('holds over 200 appends of any content, and an empty one holds, too', async () => {
    await using database = await openTestDatabase(type);
    expect(await verify(database)).toEqual({ is_intact: true, entries: 0, head: '' });
    const entries = fc.sample(anyEntry, 200);
    for (let at = 0; at < entries.length; at += 20) await append(database, ...entries.slice(at, at + 20));
    const head = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
    expect(await verify(database)).toEqual({ is_intact: true, entries: 200, head });
    const { audit_logs } = await createAuditStore(database.db, key).list({}, { limit: 1000, offset: 0 });
    const shown = audit_logs.toReversed();
    expect(shown.map(({ after }) => after)).toEqual(entries.map(({ after }) => JSON.parse(after ?? 'null') as unknown));
  });

  test('spans more than one batch, and says how far the check has come', async () => {
    await using database = await trailOf(1001);
    const progress: number[] = [];
    const verdict = await createAuditStore(database.db, key).verify((entries) => progress.push(entries));
    expect(verdict).toMatchObject({ is_intact: true, entries: 1001 });
    expect(progress).toEqual([500, 1000, 1001, 1001]);
  });

  test('goes with its transaction: what is undone is not recorded', async () => {
    await using database = await trailOf(1);
    const undone = database.transaction(async (tx) => {
      await createAuditStore(database.db, key).with(tx).append(entry());
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await append(database, entry());
    expect(await verify(database)).toMatchObject({ is_intact: true, entries: 2 });
  });

  test('is append-only for the database itself', async () => {
    await using database = await trailOf(2);
    const { db } = database;
    const refused = 'audit_logs is append-only';
    await expect(db.updateTable('audit_logs').set({ actor: 'nobody' }).execute()).rejects.toThrow(refused);
    await expect(db.deleteFrom('audit_logs').where('id', '=', 2).execute()).rejects.toThrow(refused);
    if (type === 'postgres') await expect(sql`truncate audit_logs`.execute(db)).rejects.toThrow(refused);
    else
      await expect(sql`replace into audit_logs select * from audit_logs where id = 2`.execute(db)).rejects.toThrow(
        refused,
      );
    expect(await verify(database)).toMatchObject({ is_intact: true, entries: 2 });
  });

  test('any altered column of any entry is found', async () => {
    await using database = await trailOf(4);
    await dropTriggers(database);
    const { db } = database;
    const rows = await db.selectFrom('audit_logs').selectAll().orderBy('id').execute();
    for (const row of rows) {
      for (const column of Object.keys(row) as (keyof AuditRow)[]) {
        const value = row[column];
        const other = typeof value === 'number' ? value + 1000 : `${value ?? ''}x`;
        const to = column === 'id' ? row.id + 1000 : row.id;
        await db
          .updateTable('audit_logs')
          .set({ [column]: other })
          .where('id', '=', row.id)
          .execute();
        const verdict = await verify(database);
        expect(verdict, `${column} of ${row.id}`).toMatchObject({ is_intact: false, first_broken_id: row.id });
        await db.updateTable('audit_logs').set(row).where('id', '=', to).execute();
        expect(await verify(database)).toMatchObject({ is_intact: true, entries: 4 });
      }
      for (const column of ['before', 'after', 'request'] as const) {
        await db
          .updateTable('audit_logs')
          .set({ [column]: null })
          .where('id', '=', row.id)
          .execute();
        expect(await verify(database)).toMatchObject({ is_intact: false, first_broken_id: row.id });
        await db.updateTable('audit_logs').set(row).where('id', '=', row.id).execute();
      }
    }
  });

  test('any removed entry is found, the newest ones as well', async () => {
    for (const [removed, reason] of [
      [[1], 'entry 1 is missing'],
      [[3], 'entry 3 is missing'],
      [[5], 'entry 5, the newest, is missing'],
      [[4, 5], 'entries 4 to 5, the newest, are missing'],
      [[1, 2, 3, 4, 5], 'entries 1 to 5, the newest, are missing'],
    ] as const) {
      await using database = await trailOf(5);
      await dropTriggers(database);
      await database.db.deleteFrom('audit_logs').where('id', 'in', removed).execute();
      const verdict = await verify(database);
      expect(verdict).toMatchObject({ is_intact: false, first_broken_id: removed[0] });
      expect(verdict.reason).toContain(reason);
      // What is written afterwards does not heal it.
      await append(database, entry());
      expect(await verify(database)).toMatchObject({ is_intact: false, first_broken_id: removed[0] });
    }
  });

  test('two entries in each other’s place are found', async () => {
    await using database = await trailOf(5);
    await dropTriggers(database);
    for (const [from, to] of [
      [2, 90],
      [4, 2],
      [90, 4],
    ] as const) {
      await database.db.updateTable('audit_logs').set({ id: to }).where('id', '=', from).execute();
    }
    expect(await verify(database)).toMatchObject({ is_intact: false, first_broken_id: 2 });
  });

  test('a chain that was built anew without the key is found', async () => {
    await using database = await trailOf(5);
    await dropTriggers(database);
    const forger = createAuditChain(randomBytes(32));
    const rows = await database.db.selectFrom('audit_logs').selectAll().orderBy('id').execute();
    let last = rows[0]?.hash ?? '';
    for (const row of rows.slice(1)) {
      const forged = { ...row, actor: 'api-key:9', previous_hash: last };
      last = forger.hashOf(forged);
      await database.db
        .updateTable('audit_logs')
        .set({ ...forged, hash: last })
        .where('id', '=', row.id)
        .execute();
    }
    const settings = createSettingsStore(database.db);
    await settings.put(HEAD, JSON.parse(forger.writeHead({ id: 5, hash: last })));
    expect(await verify(database)).toMatchObject({ is_intact: false, entries: 1, first_broken_id: 2 });
  });

  test.for([
    ['made with another key', createAuditChain(randomBytes(32)).writeHead({ id: 2, hash: 'x' })],
    ['set back to nothing', JSON.stringify({ id: 0, hash: '' })],
    ['no head at all', '"x"'],
    ['gone', undefined],
  ] as const)('a head that is %s is found, and nothing is recorded on top of it', async ([, value]) => {
    await using database = await trailOf(3);
    await database.db.deleteFrom('settings').where('key', '=', HEAD).execute();
    if (value !== undefined) await database.db.insertInto('settings').values({ key: HEAD, value }).execute();
    expect(await verify(database)).toMatchObject({ is_intact: false, entries: 3, first_broken_id: 4 });
    await expect(append(database, entry())).rejects.toMatchObject({ code: 'audit_trail_altered' });
    expect(await verify(database)).toMatchObject({ is_intact: false, entries: 3 });
  });

  test('rows before the first entry are found', async () => {
    await using database = await trailOf(2);
    const row = await database.db.selectFrom('audit_logs').selectAll().where('id', '=', 2).executeTakeFirstOrThrow();
    await database.db
      .insertInto('audit_logs')
      .values({ ...row, id: -1 })
      .execute();
    expect(await verify(database)).toMatchObject({ is_intact: false, reason: 'there are 3 rows where 2 were written' });
  });

  test('a verification beside a writer finds nothing wrong', async () => {
    await using database = await trailOf(600);
    const writing = (async () => {
      for (let count = 0; count < 30; count += 1) await append(database, entry());
    })();
    const verdicts = await Promise.all(Array.from({ length: 5 }, () => verify(database)));
    await writing;
    for (const verdict of verdicts) expect(verdict).toMatchObject({ is_intact: true });
    expect(await verify(database)).toMatchObject({ is_intact: true, entries: 630 });
  });

  test('is listed newest first, page by page, by every filter', async () => {
    await using database = await openTestDatabase(type);
    await append(
      database,
      entry({ action: 'create', entity_id: 'a', before: null }),
      entry({ actor: 'api-key:2', actor_name: 'Robot', entity_id: 'b', entity_name: '100%_sure' }),
      entry({ action: 'delete', entity: 'api_key', entity_id: '7', entity_name: 'ci', after: null }),
    );
    const store = createAuditStore(database.db, key);
    const ids = async (filter: Parameters<typeof store.list>[0], page = { limit: 50, offset: 0 }) => {
      const { audit_logs, total_count } = await store.list(filter, page);
      return [total_count, ...audit_logs.map(({ id }) => id)];
    };
    expect(await ids({})).toEqual([3, 3, 2, 1]);
    expect(await ids({}, { limit: 1, offset: 1 })).toEqual([3, 2]);
    expect(await ids({ actor: ['api-key:2'] })).toEqual([1, 2]);
    expect(await ids({ action: ['create', 'delete'] })).toEqual([2, 3, 1]);
    expect(await ids({ entity: ['mcp_client'], entity_id: ['b', '7'] })).toEqual([1, 2]);
    expect(await ids({ entity: [] })).toEqual([3, 3, 2, 1]);
    expect(await ids({ search: 'ROBOT' })).toEqual([1, 2]);
    expect(await ids({ search: '%_S' })).toEqual([1, 2]);
    expect(await ids({ start_time: Date.now() + 60_000 })).toEqual([0]);
    expect(await ids({ start_time: 0, end_time: Date.now() })).toEqual([3, 3, 2, 1]);
    const found = await store.find(1);
    expect(found).toMatchObject({ id: 1, before: null, after: { disabled: true }, previous_hash: '' });
    expect(Date.parse(found?.at ?? '')).toBeGreaterThan(0);
    expect(await store.find(4)).toBeUndefined();
    expect((await store.listAfter(1, 1)).map(({ id }) => id)).toEqual([2]);
  });
});

test('two processes on PostgreSQL append to one chain, from the very first entry on', async () => {
  await using database = await openTestDatabase('postgres');
  const other = await openDatabase({ type: 'postgres', config: { url: await postgresUrl() } });
  try {
    await Promise.all(Array.from({ length: 50 }, (_, index) => append(index % 2 === 0 ? database : other, entry())));
    expect(await createAuditStore(other.db, key).verify()).toMatchObject({ is_intact: true, entries: 50 });
  } finally {
    await other.close();
  }
});
