import { sql, type ExpressionBuilder, type ExpressionWrapper, type SqlBool } from 'kysely';
import type { DatabaseDialect } from '../../dialect.ts';
import type { LedgerTables, LogStatus } from '../tables.ts';
import { CONTENTS } from './batch.ts';

/** Which requests to models are meant. What is absent does not matter; each list means any of its entries. */
export interface LlmFilter {
  /** Epoch milliseconds, both included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly providers?: readonly string[] | undefined;
  readonly models?: readonly string[] | undefined;
  readonly objects?: readonly string[] | undefined;
  readonly virtual_key_ids?: readonly string[] | undefined;
  readonly team_ids?: readonly string[] | undefined;
  readonly customer_ids?: readonly string[] | undefined;
  readonly status?: readonly LogStatus[] | undefined;
  readonly aliases?: readonly string[] | undefined;
  readonly stop_reasons?: readonly string[] | undefined;
  readonly selected_key_ids?: readonly string[] | undefined;
  readonly parent_request_ids?: readonly string[] | undefined;
  readonly request_ids?: readonly string[] | undefined;
  /** Milliseconds, tokens, nano-dollars; both included. What a request does not have is not within. */
  readonly min_latency?: number | undefined;
  readonly max_latency?: number | undefined;
  readonly min_tokens?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly min_cost?: number | undefined;
  readonly max_cost?: number | undefined;
  /** Only requests that have ended and whose cost nobody knows. */
  readonly is_cost_missing?: boolean | undefined;
  /** Part of one of the texts, in any case. */
  readonly content_search?: string | undefined;
}

/** The names that both rows and sums know. */
export const SUM_FILTERS = [
  ['providers', 'provider'],
  ['models', 'model'],
  ['objects', 'object'],
  ['virtual_key_ids', 'virtual_key_id'],
  ['team_ids', 'team_id'],
  ['customer_ids', 'customer_id'],
  ['status', 'status'],
] as const;

const ROW_FILTERS = [
  ['aliases', 'alias'],
  ['stop_reasons', 'stop_reason'],
  ['selected_key_ids', 'selected_key_id'],
  ['parent_request_ids', 'parent_request_id'],
  ['request_ids', 'request_id'],
] as const;

const RANGES = [
  ['timestamp', 'from', 'to', 1],
  ['latency', 'min_latency', 'max_latency', 1000],
  ['total_tokens', 'min_tokens', 'max_tokens', 1],
  ['cost', 'min_cost', 'max_cost', 1],
] as const;

const SUMMABLE: ReadonlySet<string> = new Set(['from', 'to', ...SUM_FILTERS.map(([list]) => list)]);

/** Whether the sums say all that this filter asks: they know time, names and outcome, but no single request. */
export function isSummable(filter: LlmFilter): boolean {
  return Object.entries(filter).every(([name, value]) => value === undefined || SUMMABLE.has(name));
}

type Build = ExpressionBuilder<LedgerTables, 'logs'>;
type Condition = ExpressionWrapper<LedgerTables, 'logs', SqlBool>;

/** The condition on rows of `logs`. */
export function whereLlmLogs(filter: LlmFilter, type: DatabaseDialect['type']) {
  return (build: Build) => {
    const parts: Condition[] = [];
    for (const [column, min, max, scale] of RANGES) {
      const [least, most] = [filter[min], filter[max]];
      if (least !== undefined) parts.push(build(column, '>=', Math.round(least * scale)));
      if (most !== undefined) parts.push(build(column, '<=', Math.round(most * scale)));
    }
    for (const [list, column] of [...SUM_FILTERS, ...ROW_FILTERS]) {
      const names = filter[list];
      // One value is compared with `=`: only then can an index of name and time give a page in order.
      if (names?.length === 1) parts.push(build(column, '=', names[0] as never));
      else if (names !== undefined) parts.push(build(column, 'in', names as never));
    }
    if (filter.is_cost_missing) parts.push(build.and([build('cost', 'is', null), build('status', '<>', 'processing')]));
    if (filter.content_search !== undefined) parts.push(contains(build, filter.content_search, type));
    return build.and(parts);
  };
}

function contains(build: Build, text: string, type: DatabaseDialect['type']): Condition {
  const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const like = sql.raw(type === 'sqlite' ? 'like' : 'ilike');
  const matches = CONTENTS.map((column) => sql`${sql.ref(column)} ${like} ${pattern} escape '\\'`);
  return build.exists(
    build
      .selectFrom('log_contents')
      .select(sql`1`.as('one'))
      .whereRef('log_seq', '=', 'logs.seq')
      .where(sql<SqlBool>`(${sql.join(matches, sql` or `)})`),
  );
}
