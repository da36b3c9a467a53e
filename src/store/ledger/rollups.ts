import { runValues, type Sql } from './run-values.ts';
import type { LogStatus } from './tables.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** How long the spans are that sums are kept for. Each is a multiple of the one before. */
export const SPANS = [MINUTE, HOUR, 24 * HOUR] as const;

/** What of a row goes into the sums. */
export interface Summed {
  readonly timestamp: number;
  readonly tool_name: string;
  readonly server_label: string;
  readonly virtual_key_id: string;
  readonly status: LogStatus;
  readonly latency: number | null;
  readonly cost: number;
}

/** The columns of Summed, for statements that give rows back. */
export const SUMMED = 'timestamp, tool_name, server_label, virtual_key_id, status, latency, cost';

/** The sums themselves, in the order of their columns. */
export const MEASURES = [
  'started',
  'success',
  'error',
  'latency_sum',
  'error_latency',
  'cost_sum',
  'error_cost',
] as const;

interface Delta {
  readonly bucket: number;
  readonly names: readonly [server: string, tool: string, key: string];
  readonly sums: number[];
}

/** Collects what rows that come, go and change do to the sums. */
export interface Deltas {
  add(row: Summed): void;
  subtract(row: Summed): void;
  /** Writes it all; within the transaction that changed the rows. */
  apply(sql: Sql): Promise<void>;
}

/** Begins to collect. */
export function createDeltas(): Deltas {
  const minutes = new Map<string, Delta>();

  function count(row: Summed, sign: 1 | -1): void {
    const delta = deltaAt(minutes, startOf(row.timestamp, MINUTE), [
      row.server_label,
      row.tool_name,
      row.virtual_key_id,
    ]);
    const latency = row.latency ?? 0;
    const isError = row.status === 'error' ? 1 : 0;
    const isSuccess = row.status === 'success' ? 1 : 0;
    const sums = [1, isSuccess, isError, latency, latency * isError, row.cost, row.cost * isError];
    addTo(delta, sums, sign);
  }

  return {
    add: (row) => count(row, 1),
    subtract: (row) => count(row, -1),
    async apply(sql) {
      for (const span of SPANS) await applySpan(sql, span, [...widen(minutes, span).entries()]);
    },
  };
}

function startOf(timestamp: number, span: number): number {
  return Math.floor(timestamp / span) * span;
}

function deltaAt(deltas: Map<string, Delta>, bucket: number, names: Delta['names']): Delta {
  const key = `${bucket}\0${names.join('\0')}`;
  let delta = deltas.get(key);
  if (delta === undefined) {
    delta = { bucket, names, sums: MEASURES.map(() => 0) };
    deltas.set(key, delta);
  }
  return delta;
}

function addTo({ sums }: Delta, amounts: readonly number[], sign: 1 | -1): void {
  for (const [index, amount] of amounts.entries()) sums[index] = (sums[index] ?? 0) + sign * amount;
}

function widen(minutes: Map<string, Delta>, span: number): Map<string, Delta> {
  if (span === MINUTE) return minutes;
  const wide = new Map<string, Delta>();
  for (const { bucket, names, sums } of minutes.values()) addTo(deltaAt(wide, startOf(bucket, span), names), sums, 1);
  return wide;
}

const KEY = 'span, bucket_start, server_label, tool_name, virtual_key_id';
const UPSERT = {
  before: `insert into mcp_log_rollups (${KEY}, ${MEASURES.join(', ')}) values`,
  row: `(${[...KEY.split(','), ...MEASURES].map(() => '?').join(', ')})`,
  after: `on conflict (${KEY}) do update set ${MEASURES.map((name) => `${name} = mcp_log_rollups.${name} + excluded.${name}`).join(', ')}`,
};

async function applySpan(sql: Sql, span: number, entries: [string, Delta][]): Promise<void> {
  const changed = entries.filter(([, { sums }]) => sums.some((sum) => sum !== 0));
  // Always in the same order: two processes that lock the same rows crosswise would wait for each other.
  changed.sort(([a], [b]) => (a < b ? -1 : 1));
  const values = changed.flatMap(([, { bucket, names, sums }]) => [span, bucket, ...names, ...sums]);
  await runValues(sql, { ...UPSERT, values });
  const shrunk = new Set(changed.flatMap(([, { bucket, sums }]) => ((sums[0] ?? 0) < 0 ? [bucket] : [])));
  if (shrunk.size === 0) return;
  await runValues(sql, {
    before: `delete from mcp_log_rollups where started = 0 and span = ${span} and bucket_start in (values`,
    row: sql.type === 'sqlite' ? '(?)' : '(cast(? as bigint))',
    after: ')',
    values: [...shrunk],
  });
}
