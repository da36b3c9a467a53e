import { z } from 'zod';
import { LOG_SORTS, LogStatus } from '../../contract/log.ts';
import type { LogFilter } from '../../store/ledger/log-filter.ts';
import { commaList, refuse, unlessEmpty, wholeNumber } from '../query.ts';

/** A query parameter that is a time. */
export const time = (description: string) =>
  z.iso
    .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z' })
    .optional()
    .meta({ description });

/** A query parameter that is a number, zero or more. */
export function amount(description: string) {
  return z
    .string()
    .transform((text, context) => {
      const value = Number(text);
      if (/^\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return value;
      context.addIssue({ code: 'custom', message: 'must be a non-negative number' });
      return z.NEVER;
    })
    .optional()
    .meta({ type: 'number', minimum: 0, description });
}

/** The parameters that say which logs are meant. */
export const LOG_FILTERS = {
  tool_names: commaList("Comma list of tools, by the server's own names."),
  server_labels: commaList('Comma list of names of servers.'),
  status: commaList('Comma list.', LogStatus.options),
  virtual_key_ids: commaList('Comma list.'),
  llm_request_ids: commaList('Comma list.'),
  start_time: time('From this time on, RFC 3339.'),
  end_time: time('Up to and with this time, RFC 3339.'),
  min_latency: amount('Milliseconds.'),
  max_latency: amount('Milliseconds.'),
  content_search: z.string().max(1000).optional().meta({ description: 'Part of the arguments or the result.' }),
};
export const LogQuery = z.object(LOG_FILTERS);

export const LogPageQuery = z.object({
  ...LOG_FILTERS,
  limit: wholeNumber('Logs per page, 1 to 1000; 50 unless said.'),
  offset: wholeNumber('Logs to skip.'),
  sort_by: z.enum(LOG_SORTS, `must be one of ${LOG_SORTS.join(', ')}`).optional(),
  order: z.enum(['asc', 'desc'], 'must be asc or desc').optional(),
});

/** The filter that the parameters of a request make. */
export function filterOf(query: z.output<typeof LogQuery>): LogFilter {
  const { start_time, end_time, min_latency, max_latency, content_search } = query;
  const from = start_time === undefined ? undefined : Date.parse(start_time);
  const to = end_time === undefined ? undefined : Date.parse(end_time);
  if ((from ?? -Infinity) > (to ?? Infinity)) throw refuse('end_time', 'must not lie before start_time');
  if ((min_latency ?? 0) > (max_latency ?? Infinity)) throw refuse('max_latency', 'must not be less than min_latency');
  const { tool_names, server_labels, status, virtual_key_ids, llm_request_ids } = query;
  return {
    ...{ from, to, min_latency, max_latency, content_search },
    tool_names: unlessEmpty(tool_names),
    server_labels: unlessEmpty(server_labels),
    status: unlessEmpty(status),
    virtual_key_ids: unlessEmpty(virtual_key_ids),
    llm_request_ids: unlessEmpty(llm_request_ids),
  };
}

/** The page that the parameters of a request ask for. */
export function logPageOf<S extends string = (typeof LOG_SORTS)[number]>({
  limit = 50,
  offset = 0,
  sort_by,
  order = 'desc',
}: Omit<z.output<typeof LogPageQuery>, 'sort_by'> & { readonly sort_by?: S | undefined }) {
  if (limit < 1 || limit > 1000) throw refuse('limit', 'must be 1 to 1000');
  return { limit, offset, sort_by: sort_by ?? ('timestamp' as const), order };
}
