import { sql as raw } from 'kysely';
import type { CounterState } from '../ledger-rows.ts';
import type { Value } from './column-values.ts';
import { clock, runValues, type Sql } from './run-values.ts';

/** Counters that changed, and the time to ask from next. */
export interface ChangedCounters {
  readonly counters: readonly CounterState[];
  readonly at: number;
}

const STATE = ['counter_id', 'window_start', 'used'] as const;
/** A transaction shows its rows only when it ends, later than the time that it wrote into them. */
const OVERLAP_MS = 10_000;
const MAX_IDS = 500;

/** Adds charges of a process (flat: counter_id, window_start, amount, reset) and gives the counters as they are then. */
export async function addCharges(sql: Sql, node: string, charges: readonly Value[]): Promise<CounterState[]> {
  if (charges.length === 0) return [];
  const newest = newestByCounter(charges);
  const states = await runValues<CounterState>(sql, {
    before: 'insert into counters (counter_id, window_start, used, updated_at) values',
    row: `(?, ?, ?, ${clock(sql.type)})`,
    after: `on conflict (counter_id) do update set
      used = case
        when excluded.window_start = counters.window_start then ${most(sql.type)}(counters.used + excluded.used, 0)
        when excluded.window_start > counters.window_start then ${most(sql.type)}(excluded.used, 0)
        else counters.used end,
      window_start = case
        when excluded.window_start > counters.window_start then excluded.window_start
        else counters.window_start end,
      updated_at = excluded.updated_at
      returning ${STATE.join(', ')}`,
    values: newest.flatMap(({ id, window, amount }) => [id, window, amount]),
  });
  if (sql.isShared) await chargeLeases(sql, node, newest);
  return states;
}

/** Two processes that set a counter to zero at the same time would otherwise leave less than nothing. */
const most = (type: Sql['type']) => (type === 'sqlite' ? 'max' : 'greatest');

/** What is used is no longer leased, from the same moment on. In a new window calls may still run that began in the last. */
async function chargeLeases(sql: Sql, node: string, charges: readonly Sum[]): Promise<void> {
  const greatest = most(sql.type);
  const held = `${greatest}(counter_leases.granted - counter_leases.charged, 0)`;
  // Nobody knows before a call how many tokens it takes, so nobody leases any.
  const leased = charges.filter(({ id, amount, reset }) => amount !== reset && !id.endsWith(':tokens'));
  await runValues(sql, {
    before: 'insert into counter_leases (counter_id, node, window_start, granted, charged, spare) values',
    row: '(?, ?, ?, 0, ?, 0)',
    after: `on conflict (counter_id, node) do update set
      charged = case
        when excluded.window_start = counter_leases.window_start then counter_leases.charged + excluded.charged
        when excluded.window_start > counter_leases.window_start then excluded.charged
        else counter_leases.charged end,
      granted = case
        when excluded.window_start > counter_leases.window_start then ${held} else counter_leases.granted end,
      spare = case
        when excluded.window_start > counter_leases.window_start then ${held} else counter_leases.spare end,
      window_start = ${greatest}(excluded.window_start, counter_leases.window_start)`,
    values: leased.flatMap(({ id, window, amount, reset }) => [id, node, window, amount - reset]),
  });
}

/** The charges of one counter and window, added up. */
interface Sum {
  readonly id: string;
  readonly window: number;
  amount: number;
  reset: number;
}

/** One statement takes each counter once: charges of one window are added up, older windows are over. */
function newestByCounter(charges: readonly Value[]): Sum[] {
  const newest = new Map<string, Sum>();
  for (let index = 0; index + 3 < charges.length; index += 4) {
    const id = String(charges[index]);
    const [window = 0, amount = 0, reset = 0] = charges.slice(index + 1, index + 4).map(Number);
    const known = newest.get(id);
    if (known === undefined || window > known.window) newest.set(id, { id, window, amount, reset });
    else if (window === known.window) {
      known.amount += amount;
      known.reset += reset;
    }
  }
  // Sorted: processes that lock the same counters in different orders would wait for each other.
  return [...newest.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Sets a counter to a value, whatever it was. */
export async function setCounter(sql: Sql, { counter_id, window_start, used }: CounterState): Promise<void> {
  await runValues(sql, {
    before: 'insert into counters (counter_id, window_start, used, updated_at) values',
    row: `(?, ?, ?, ${clock(sql.type)})`,
    after: `on conflict (counter_id) do update set
      window_start = excluded.window_start, used = excluded.used, updated_at = excluded.updated_at`,
    values: [counter_id, window_start, used],
  });
}

/** The counters with these ids, or all. */
export async function loadCounters({ db }: Sql, ids?: readonly string[]): Promise<CounterState[]> {
  if (ids === undefined) return db.selectFrom('counters').select(STATE).execute();
  const found: CounterState[] = [];
  for (let from = 0; from < ids.length; from += MAX_IDS) {
    const some = ids.slice(from, from + MAX_IDS);
    found.push(...(await db.selectFrom('counters').select(STATE).where('counter_id', 'in', some).execute()));
  }
  return found;
}

/** The counters that any process changed since a time that an earlier answer gave; 0 for all. */
export async function countersSince({ db, type }: Sql, since: number): Promise<ChangedCounters> {
  const time = await raw<{ now: number }>`select ${raw.raw(clock(type))} as now`.execute(db);
  const counters = await db.selectFrom('counters').select(STATE).where('updated_at', '>=', since).execute();
  return { counters, at: (time.rows[0]?.now ?? OVERLAP_MS) - OVERLAP_MS };
}

/** Forgets counters. */
export async function removeCounters({ db, isShared }: Sql, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += MAX_IDS) {
    const some = ids.slice(from, from + MAX_IDS);
    await db.deleteFrom('counters').where('counter_id', 'in', some).execute();
    if (isShared) await db.deleteFrom('counter_leases').where('counter_id', 'in', some).execute();
  }
}
