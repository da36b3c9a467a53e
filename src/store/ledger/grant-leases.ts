import { sql as raw } from 'kysely';
import type { LeaseAnswer, LeaseReply, LeaseRequest } from './lease-store.ts';
import { FORGET_MS } from './lease-tables.ts';
import { clock, runValues, type Sql } from './run-values.ts';
import type { CounterLeaseTable, CounterTable } from './tables.ts';

/** Who asks for leases. */
export interface Asker {
  readonly node: string;
  /** 1, 2, 3 …: a request that comes after a later one changes nothing. */
  readonly turn: number;
  readonly lifetimeMs: number;
}

type Standing = Omit<LeaseReply, 'answers'>;
type Counter = Pick<CounterTable, 'counter_id' | 'window_start' | 'used'>;

/**
 * One request of a process for leases of a SQLite file: what the function `lease_counters` of lease-tables.ts does on PostgreSQL.
 * Its transaction has the file to itself, as has that which stores charges, so nothing else has to be locked.
 */
export function grantLeases(at: Sql, asker: Asker, requests: readonly LeaseRequest[]): Promise<LeaseReply | undefined> {
  return at.db.transaction().execute(async (tx) => {
    const sql = { ...at, db: tx };
    const standing = await register(sql, asker);
    if (standing === undefined) return undefined;
    return { ...standing, answers: requests.length === 0 ? [] : await grant(sql, asker.node, requests, standing) };
  });
}

/** Gives back everything that a process holds. */
export function endLeases({ db }: Sql, node: string): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await tx.deleteFrom('counter_leases').where('node', '=', node).execute();
    await tx.deleteFrom('lease_nodes').where('node', '=', node).execute();
  });
}

/** The process lives, and others may have been silent for too long. */
async function register({ db, type }: Sql, { node, turn, lifetimeMs }: Asker): Promise<Standing | undefined> {
  const { rows } = await raw<{ now: number }>`select ${raw.raw(clock(type))} as now`.execute(db);
  const now = rows[0]?.now ?? 0;
  const known = await db.selectFrom('lease_nodes').selectAll().where('node', '=', node).executeTakeFirst();
  if (known !== undefined && known.turn >= turn) return undefined;
  await raw`insert into lease_nodes (node, turn, expires_at) values (${node}, ${turn}, ${now + lifetimeMs})
    on conflict (node) do update set turn = excluded.turn, expires_at = excluded.expires_at`.execute(db);
  const { numAffectedRows = 0n } = await raw`update lease_nodes set expires_at = ${-now}
    where expires_at between 0 and ${now} and node <> ${node}`.execute(db);
  if (numAffectedRows > 0n) await forget(db, now - FORGET_MS);
  const alive = db.selectFrom('lease_nodes').where('expires_at', '>=', 0);
  const { nodes } = await alive.select(db.fn.countAll<number>().as('nodes')).executeTakeFirstOrThrow();
  return { nodes, wasLost: known !== undefined && known.expires_at < 0 };
}

/** What processes held that have been away for very long. */
async function forget(db: Sql['db'], before: number): Promise<void> {
  const gone = db
    .selectFrom('lease_nodes')
    .select('node')
    .where('expires_at', '<', 0)
    .where('expires_at', '>', -before);
  await db.deleteFrom('counter_leases').where('node', 'in', gone).execute();
  await db.deleteFrom('lease_nodes').where('node', 'in', gone).execute();
}

async function grant(
  sql: Sql,
  node: string,
  requests: readonly LeaseRequest[],
  standing: Standing,
): Promise<LeaseAnswer[]> {
  const { counters, leases } = await look(sql.db, node, requests);
  const decisions = requests.map((request) => {
    const counter = counters.get(request.counter_id);
    const all = leases.get(request.counter_id) ?? [];
    const own = all.find((lease) => lease.node === node);
    const others = all.filter((lease) => lease.node !== node);
    return decide(request, { present: counter, own, others, standing });
  });
  await runValues(sql, {
    before: 'insert into counter_leases (counter_id, node, window_start, granted, charged, spare) values',
    row: '(?, ?, ?, ?, ?, ?)',
    after: `on conflict (counter_id, node) do update set window_start = excluded.window_start,
      granted = excluded.granted, charged = excluded.charged, spare = excluded.spare`,
    values: decisions.flatMap(({ answer: { counter_id, window_start, granted }, request, charged }) =>
      // Of a window that is over nothing is leased any more.
      window_start > request.window_start
        ? []
        : [counter_id, node, window_start, granted, charged, granted - request.owed],
    ),
  });
  return decisions.map(({ answer }) => answer);
}

/** How the counters stand, and what living processes hold of each. */
async function look(db: Sql['db'], node: string, requests: readonly LeaseRequest[]) {
  // As one parameter each: the statements are the same however many counters there are.
  const asked = JSON.stringify(requests.map(({ counter_id, window_start }) => ({ counter_id, window_start })));
  const ids = raw`(select value ->> 'counter_id' from json_each(${asked}))`;
  await raw`insert into counters (counter_id, window_start, used, updated_at)
    select value ->> 'counter_id', value ->> 'window_start', 0, 0 from json_each(${asked}) where true
    on conflict do nothing`.execute(db);
  const counters = await raw<Counter>`select counter_id, window_start, used from counters
    where counter_id in ${ids}`.execute(db);
  const leases = await raw<CounterLeaseTable>`select * from counter_leases where counter_id in ${ids}
    and (node = ${node} or node in (select node from lease_nodes where expires_at >= 0))`.execute(db);
  return {
    counters: new Map(counters.rows.map((counter) => [counter.counter_id, counter])),
    leases: Map.groupBy(leases.rows, ({ counter_id }) => counter_id),
  };
}

interface Look {
  readonly present: Counter | undefined;
  readonly own: CounterLeaseTable | undefined;
  readonly others: readonly CounterLeaseTable[];
  readonly standing: Standing;
}

/** The same rules as in lease-tables.ts, in the same order; test/kit/lease-model.ts holds both to them. */
function decide(request: LeaseRequest, { present, own, others, standing }: Look) {
  const { counter_id, window_start: window, max, owed, first, want, share } = request;
  const used = present?.window_start === window ? present.used : 0;
  const charged = own?.window_start === window ? own.charged : 0;
  // Calls that began in an earlier window and still run count in this one: how many, only their process can say.
  const counted = others.filter(({ window_start }) => window_start <= window);
  const held = sum(counted, heldIn);
  const spare = sum(counted, (lease) => (lease.window_start === window ? lease.spare : heldIn(lease)));
  const free = max - used - held - Math.max(owed - charged, 0);
  const part = share > 0 ? Math.floor(free / (share * standing.nodes)) : 0;
  // As long as anything is left, the first call fits: of all processes together, one call goes over the limit at most.
  const more = free <= 0 ? 0 : Math.max(first, Math.min(free, Math.max(want, part)));
  const granted = Math.max(standing.wasLost ? owed : request.keep, owed + more);
  const answer: LeaseAnswer = {
    counter_id,
    window_start: Math.max(present?.window_start ?? window, window),
    granted,
    used,
    held,
    spare,
    room: max - used - held - Math.max(granted - charged, 0),
  };
  return { request, answer, charged };
}

const heldIn = ({ granted, charged }: CounterLeaseTable): number => Math.max(granted - charged, 0);

function sum<T>(list: readonly T[], amountOf: (item: T) => number): number {
  return list.reduce((total, item) => total + amountOf(item), 0);
}
