import { sql } from 'kysely';
import { dropTables, type ReversibleMigration } from '../migrations/reversible.ts';
import { clock } from './run-values.ts';

/**
 * What processes on one database have leased of budgets and limits. A lease is `granted - charged`: both only ever grow within a
 * window, the first by what the process asks for, the second by what it has stored, so that no order of the two matters. Of that,
 * `spare` was not reserved by calls when the process asked last. Every change of a row happens under the lock on its counter; on SQLite under that on the file.
 * A process whose `expires_at` is negative was silent for too long at that time: it holds nothing any more.
 */
export const leaseTables: ReversibleMigration = {
  async up(db) {
    await db.schema
      .createTable('lease_nodes')
      .addColumn('node', 'text', (column) => column.primaryKey().notNull())
      .addColumn('turn', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute();
    let table = db.schema
      .createTable('counter_leases')
      .addColumn('counter_id', 'text', (column) => column.notNull())
      .addColumn('node', 'text', (column) => column.notNull());
    for (const name of ['window_start', 'granted', 'charged', 'spare'] as const) {
      table = table.addColumn(name, 'bigint', (column) => column.notNull());
    }
    await table.addPrimaryKeyConstraint('counter_leases_key', ['counter_id', 'node'] as never).execute();
  },
  down: (db) => dropTables(db, 'counter_leases', 'lease_nodes'),
};

/** The same with what grants leases on PostgreSQL. On SQLite that is grant-leases.ts. */
export const leases: ReversibleMigration = {
  async up(db) {
    await leaseTables.up(db);
    await sql.raw(LEASE).execute(db);
  },
  async down(db) {
    await sql`drop function lease_counters`.execute(db);
    await leaseTables.down(db);
  },
};

/** A process that comes back within this time finds its own accounts again. */
export const FORGET_MS = 7 * 86_400_000;

/**
 * One request of a process, in one go: a function, because each of its statements sees what was committed before it got the locks,
 * and because the locks are then held for no round trip. The first row that comes back is about the process itself.
 */
const LEASE = `
create function lease_counters(
  asking text, this_turn bigint, lifetime bigint,
  ids text[], windows bigint[], maxima bigint[], keeps bigint[], oweds bigint[], firsts bigint[], wants bigint[], shares bigint[]
) returns table (
  counter_id text, window_start bigint, granted bigint, used bigint, held bigint, spare bigint, room bigint
) language plpgsql as $$
declare
  time_now bigint := ${clock('postgres')};
  known record;
  was_lost boolean;
  alive bigint;
begin
  select n.turn, n.expires_at into known from lease_nodes n where n.node = asking for update;
  -- A request that was given up, and reaches the database after a later one, must change nothing.
  if found and known.turn >= this_turn then return; end if;
  was_lost := found and known.expires_at < 0;
  insert into lease_nodes as n (node, turn, expires_at) values (asking, this_turn, time_now + lifetime)
    on conflict (node) do update set turn = excluded.turn, expires_at = excluded.expires_at;
  -- Passes over rows that are locked: their processes live, and two that waited for each other would wait for ever.
  update lease_nodes n set expires_at = -time_now where n.node in
    (select d.node from lease_nodes d where d.expires_at between 0 and time_now and d.node <> asking for update skip locked);
  if found then
    with forgotten as
      (delete from lease_nodes n where n.expires_at < 0 and -n.expires_at < time_now - ${FORGET_MS} returning n.node)
    delete from counter_leases l where l.node in (select f.node from forgotten f);
  end if;
  select count(*) into alive from lease_nodes n where n.expires_at >= 0;
  return query select ''::text, 0::bigint, 0::bigint, alive, 0::bigint, 0::bigint, (case when was_lost then 1 else 0 end)::bigint;
  if array_length(ids, 1) is null then return; end if;

  insert into counters (counter_id, window_start, used, updated_at)
    select a.id, a.win, 0, 0 from unnest(ids, windows) as a (id, win) order by a.id collate "C"
    on conflict do nothing;
  -- In the order in which charges are written.
  perform 1 from counters c where c.counter_id = any (ids) order by c.counter_id collate "C" for update;

  return query
  with asked as (
    select * from unnest(ids, windows, maxima, keeps, oweds, firsts, wants, shares)
      as a (id, win, max, keep, owed, first, want, share)
  ), seen as (
    select a.*, c.window_start as present,
      case when c.window_start = a.win then c.used else 0 end as used,
      coalesce(own.charged, 0) as charged,
      coalesce(others.held, 0)::bigint as held, coalesce(others.spare, 0)::bigint as spare
    from asked a
    join counters c on c.counter_id = a.id
    left join counter_leases own on own.counter_id = a.id and own.node = asking and own.window_start = a.win
    left join lateral (
      -- Calls that began in an earlier window and still run count in this one: how many, only their process can say.
      select sum(greatest(l.granted - l.charged, 0)) as held,
        sum(case when l.window_start = a.win then l.spare else greatest(l.granted - l.charged, 0) end) as spare
      from counter_leases l join lease_nodes n on n.node = l.node
      where l.counter_id = a.id and l.node <> asking and l.window_start <= a.win and n.expires_at >= 0
    ) others on true
  ), measured as (
    select s.*, s.max - s.used - s.held - greatest(s.owed - s.charged, 0) as free from seen s
  ), decided as (
    -- As long as anything is left, the first call fits: of all processes together, one call goes over the limit at most.
    select m.*, greatest(
      case when was_lost then m.owed else m.keep end,
      m.owed,
      m.owed + case when m.free <= 0 then 0
        else greatest(m.first, least(m.free, greatest(m.want, case when m.share > 0 then m.free / (m.share * alive) else 0 end))) end
    ) as given from measured m
  ), stored as (
    insert into counter_leases as l (counter_id, node, window_start, granted, charged, spare)
      select d.id, asking, d.win, d.given, d.charged, d.given - d.owed from decided d where d.present <= d.win
    on conflict on constraint counter_leases_key do update set
      granted = excluded.granted, spare = excluded.spare, charged = excluded.charged, window_start = excluded.window_start
  )
  select d.id, greatest(d.present, d.win), d.given, d.used, d.held, d.spare, d.max - d.used - d.held - greatest(d.given - d.charged, 0)
  from decided d;
end
$$`;
