import type { Value } from '../column-values.ts';
import { SPANS } from '../rollups.ts';
import { runValues, type Sql } from '../run-values.ts';
import type { LlmLogTable } from './tables.ts';

/** The names that sums are kept by. */
export const SUM_NAMES = ['provider', 'model', 'object', 'virtual_key_id', 'team_id', 'customer_id', 'status'] as const;

/** Those of them that say nothing of who asked. */
export const MODEL_NAMES = ['provider', 'model', 'object', 'status'] as const;

/** The columns of a row that go into the sums. */
export const SUMMED = [
  'timestamp',
  ...SUM_NAMES,
  'latency',
  'latency_slot',
  'cost',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_read_tokens',
  'parent_request_id',
  'fallback_index',
] as const;
export type Summed = Pick<LlmLogTable, (typeof SUMMED)[number]>;

/** The sums, in the order of their columns. */
export const MEASURES = [
  'count',
  'latency_sum',
  'cost_sum',
  'unpriced',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_read_tokens',
  'roots',
  'user_successes',
] as const;

function measure(row: Summed): number[] {
  const isRoot = row.parent_request_id === null;
  const isSeen = row.status === 'success' && (isRoot || row.fallback_index > 0);
  return [
    1,
    row.latency ?? 0,
    row.cost ?? 0,
    row.cost === null ? 1 : 0,
    row.prompt_tokens ?? 0,
    row.completion_tokens ?? 0,
    row.total_tokens ?? 0,
    row.cached_read_tokens ?? 0,
    isRoot ? 1 : 0,
    isSeen ? 1 : 0,
  ];
}

/** Collects what requests that end, change and go do to the sums. Those that run are not in any. */
export interface LlmDeltas {
  add(row: Summed): void;
  subtract(row: Summed): void;
  /** Writes it all; within the transaction that changed the rows. */
  apply(sql: Sql): Promise<void>;
}

/** Begins to collect. */
export function createLlmDeltas(): LlmDeltas {
  const sums = createTableDeltas('log_rollups', ['span', 'bucket_start', ...SUM_NAMES], MEASURES);
  const latencies = createTableDeltas('log_latencies', ['span', 'bucket_start', ...SUM_NAMES, 'slot'], ['count']);
  const ofModels = createTableDeltas(
    'log_model_latencies',
    ['span', 'bucket_start', ...MODEL_NAMES, 'slot'],
    ['count'],
  );

  /** What rows of the same minute, names and latency do together: of a batch, which is of one moment, there are few. */
  const alike = new Map<string, Alike>();

  function count(row: Summed, sign: 1 | -1): void {
    if (row.status === 'processing') return;
    let id = `${Math.floor(row.timestamp / SPANS[0])}\0${row.latency_slot}`;
    for (const name of SUM_NAMES) id += `\0${row[name]}`;
    const amounts = measure(row);
    const known = alike.get(id);
    if (known === undefined) alike.set(id, { row, amounts: amounts.map((amount) => amount * sign) });
    else
      for (const [index, amount] of amounts.entries())
        known.amounts[index] = (known.amounts[index] ?? 0) + amount * sign;
  }

  function spread({ row, amounts }: Alike): void {
    const names = SUM_NAMES.map((name) => row[name]);
    const modelNames = MODEL_NAMES.map((name) => row[name]);
    const slot = row.latency_slot ?? 0;
    const [rows = 0] = amounts;
    for (const span of SPANS) {
      const bucket = Math.floor(row.timestamp / span) * span;
      sums.add([span, bucket, ...names], amounts);
      latencies.add([span, bucket, ...names, slot], [rows]);
      ofModels.add([span, bucket, ...modelNames, slot], [rows]);
    }
  }

  return {
    add: (row) => count(row, 1),
    subtract: (row) => count(row, -1),
    async apply(sql) {
      for (const rows of alike.values()) spread(rows);
      alike.clear();
      await sums.apply(sql);
      await latencies.apply(sql);
      await ofModels.apply(sql);
    },
  };
}

/** Rows that go into the same sums, one of them for all. */
interface Alike {
  readonly row: Summed;
  /** In the order of MEASURES, the first of them counts. */
  readonly amounts: number[];
}

interface Delta {
  readonly key: readonly Value[];
  readonly amounts: number[];
}

/** Amounts to add to the rows of one table; the first of them counts, and a row that counts nothing goes. */
function createTableDeltas(table: string, key: readonly string[], measures: readonly string[]) {
  const deltas = new Map<string, Delta>();
  const columns = [...key, ...measures];
  const upsert = {
    before: `insert into ${table} (${columns.join(', ')}) values`,
    row: `(${columns.map(() => '?').join(', ')})`,
    after: `on conflict (${key.join(', ')}) do update set ${measures.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ')}`,
  };

  return {
    add(values: readonly Value[], amounts: readonly number[]): void {
      const id = values.join('\0');
      const known = deltas.get(id);
      if (known === undefined) deltas.set(id, { key: values, amounts: [...amounts] });
      else for (const [index, amount] of amounts.entries()) known.amounts[index] = (known.amounts[index] ?? 0) + amount;
    },
    async apply(sql: Sql): Promise<void> {
      const changed = [...deltas].filter(([, { amounts }]) => amounts.some((amount) => amount !== 0));
      // Always in the same order: two processes that lock the same rows crosswise would wait for each other.
      changed.sort(([a], [b]) => (a < b ? -1 : 1));
      const values = changed.flatMap(([, { key: values, amounts }]) => [...values, ...amounts]);
      await runValues(sql, { ...upsert, values });
      const shrunk = changed.flatMap(([, delta]) => ((delta.amounts[0] ?? 0) < 0 ? delta.key.slice(0, 2) : []));
      await runValues(sql, {
        before: `delete from ${table} where count = 0 and (span, bucket_start) in (values`,
        row: sql.type === 'sqlite' ? '(?, ?)' : '(cast(? as bigint), cast(? as bigint))',
        after: ')',
        values: shrunk,
      });
    },
  };
}
