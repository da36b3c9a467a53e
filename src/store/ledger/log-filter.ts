import { sql, type ExpressionBuilder, type ExpressionWrapper, type SqlBool } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';
import type { LedgerTables, LogStatus } from './tables.ts';

/** Which logs are meant. What is absent does not matter; each list means any of its entries. */
export interface LogFilter {
  /** Epoch milliseconds, both included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly tool_names?: readonly string[] | undefined;
  readonly server_labels?: readonly string[] | undefined;
  readonly virtual_key_ids?: readonly string[] | undefined;
  readonly status?: readonly LogStatus[] | undefined;
  readonly llm_request_ids?: readonly string[] | undefined;
  /** Milliseconds, both included. Calls that run have no latency yet. */
  readonly min_latency?: number | undefined;
  readonly max_latency?: number | undefined;
  /** Part of the arguments or the result, in any case. */
  readonly content_search?: string | undefined;
}

/** A half-open range of time. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

type Build = ExpressionBuilder<LedgerTables, 'mcp_logs'>;
type Condition = ExpressionWrapper<LedgerTables, 'mcp_logs', SqlBool>;

/** The time that a filter spans. */
export function rangeOf({ from = -Infinity, to = Infinity }: LogFilter): TimeRange {
  return { from, to: to + 1 };
}

/** Whether the sums say all that this filter asks: they know time, names and outcome, but no single call. */
export function isSummable(filter: LogFilter): boolean {
  const { llm_request_ids, min_latency, max_latency, content_search } = filter;
  return [llm_request_ids, min_latency, max_latency, content_search].every((part) => part === undefined);
}

/** The names that both rows and sums know. */
export const NAME_FILTERS = [
  ['tool_names', 'tool_name'],
  ['server_labels', 'server_label'],
  ['virtual_key_ids', 'virtual_key_id'],
] as const;

/** The condition on rows of mcp_logs. */
export function whereLogs(filter: LogFilter, type: DatabaseDialect['type']) {
  return (build: Build) => {
    const { from, to, status, llm_request_ids, min_latency, max_latency, content_search } = filter;
    const parts: Condition[] = [];
    if (from !== undefined) parts.push(build('timestamp', '>=', from));
    if (to !== undefined) parts.push(build('timestamp', '<=', to));
    for (const [list, column] of NAME_FILTERS) {
      const names = filter[list];
      if (names !== undefined) parts.push(anyOf(build, column, names));
    }
    if (status !== undefined) parts.push(anyOf(build, 'status', status));
    if (llm_request_ids !== undefined) parts.push(anyOf(build, 'llm_request_id', llm_request_ids));
    if (min_latency !== undefined) parts.push(build('latency', '>=', Math.round(min_latency * 1000)));
    if (max_latency !== undefined) parts.push(build('latency', '<=', Math.round(max_latency * 1000)));
    if (content_search !== undefined) parts.push(contains(build, content_search, type));
    return build.and(parts);
  };
}

/** One value is compared with `=`: only then can an index of name and time give a page in order. */
function anyOf(
  build: Build,
  column: 'tool_name' | 'server_label' | 'virtual_key_id' | 'status' | 'llm_request_id',
  values: readonly string[],
): Condition {
  const [only] = values;
  return only !== undefined && values.length === 1
    ? build(column, '=', only as never)
    : build(column, 'in', values as never);
}

function contains(build: Build, text: string, type: DatabaseDialect['type']): Condition {
  const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const like = sql.raw(type === 'sqlite' ? 'like' : 'ilike');
  return build.exists(
    build
      .selectFrom('mcp_log_contents')
      .select(sql`1`.as('one'))
      .whereRef('log_seq', '=', 'mcp_logs.seq')
      .where(sql<SqlBool>`(arguments ${like} ${pattern} escape '\\' or result ${like} ${pattern} escape '\\')`),
  );
}
