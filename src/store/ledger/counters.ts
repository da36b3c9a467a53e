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

/** Adds charges (flat: counter_id, window_start, amount) and gives the counters as they are then. */
export async function addCharges(sql: Sql, charges: readonly Value[]): Promise<CounterState[]> {
  if (charges.length === 0) return [];
  return runValues<CounterState>(sql, {
    before: 'insert into counters (counter_id, window_start, used, updated_at) values',
    row: `(?, ?, ?, ${clock(sql.type)})`,
    after: `on conflict (counter_id) do update set
      used = case
        when excluded.window_start = counters.window_start then counters.used + excluded.used
        when excluded.window_start > counters.window_start then excluded.used
        else counters.used end,
      window_start = case
        when excluded.window_start > counters.window_start then excluded.window_start
        else counters.window_start end,
      updated_at = excluded.updated_at
      returning ${STATE.join(', ')}`,
    values: newestByCounter(charges),
  });
}

/** One statement takes each counter once: charges of one window are added up, older windows are over. */
function newestByCounter(charges: readonly Value[]): Value[] {
  const newest = new Map<string, [window: number, amount: number]>();
  for (let index = 0; index + 2 < charges.length; index += 3) {
    const id = String(charges[index]);
    const window = Number(charges[index + 1]);
    const amount = Number(charges[index + 2]);
    const known = newest.get(id);
    if (known === undefined || window > known[0]) newest.set(id, [window, amount]);
    else if (window === known[0]) known[1] += amount;
  }
  // Sorted: processes that lock the same counters in different orders would wait for each other.
  const sorted = [...newest].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.flatMap(([id, [window, amount]]) => [id, window, amount]);
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
export async function removeCounters({ db }: Sql, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += MAX_IDS) {
    await db
      .deleteFrom('counters')
      .where('counter_id', 'in', ids.slice(from, from + MAX_IDS))
      .execute();
  }
}
