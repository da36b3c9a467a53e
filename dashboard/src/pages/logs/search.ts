import type { TimeRange } from '../../ui/time-range.tsx';
import { parseSort, type Sort } from '../../ui/sort.ts';

/** What is looked for in logs; all of it stands in the URL. */
export type LogSearch<Field extends string> = { readonly [K in Field | CommonField]?: string | undefined };
type CommonField = (typeof COMMON)[number];

const COMMON = ['q', 'status', 'key', 'last', 'from', 'to', 'sort', 'page', 'selected', 'slow'] as const;

/** Fields of the search for tool calls. */
export const MCP_LOG_FIELDS = ['server', 'tool', 'llm'] as const;
export type McpLogSearch = LogSearch<(typeof MCP_LOG_FIELDS)[number]>;

/** Fields of the search for requests to models. */
export const LLM_LOG_FIELDS = ['provider', 'model', 'pkey', 'run', 'cost', 'view'] as const;
export type LlmLogSearch = LogSearch<(typeof LLM_LOG_FIELDS)[number]>;

/** Fields of the search in the audit. */
export const AUDIT_FIELDS = ['action', 'entity'] as const;
export type AuditSearch = LogSearch<(typeof AUDIT_FIELDS)[number]>;

/** Reads these fields and those of every log from the URL; what is unknown is left out. */
export function createLogSearch<Field extends string>(fields: readonly Field[]) {
  return (search: Readonly<Record<string, unknown>>): LogSearch<Field> => {
    const given = [...COMMON, ...fields].flatMap((field) => {
      const value = search[field];
      // The router reads digits as a number.
      const text = typeof value === 'number' ? String(value) : value;
      return typeof text === 'string' && text !== '' ? [[field, text]] : [];
    });
    return Object.fromEntries(given) as LogSearch<Field>; // of these fields only
  };
}

/** The time in the URL. */
export function readTimeRange({ last, from, to }: Readonly<Record<string, unknown>>): TimeRange {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return { last: text(last), from: text(from), to: text(to) };
}

/** Rows that one page asks for. */
export const PAGE_ROWS = 200;

/** The page and the order that the URL asks for. */
export function logPageOf({ page, sort }: { readonly page?: string | undefined; readonly sort?: string | undefined }) {
  const number = Math.max(0, Math.trunc(Number(page ?? 0)) || 0);
  const order: Sort = parseSort(sort) ?? { by: 'timestamp', isDescending: true };
  return {
    number,
    order,
    asked: {
      ...{ limit: PAGE_ROWS, offset: number * PAGE_ROWS, sort_by: order.by },
      order: order.isDescending ? ('desc' as const) : ('asc' as const),
    },
  };
}
