import { z } from 'zod';
import { LLM_LOG_SORTS } from '../../contract/llm-log.ts';
import { LogStatus } from '../../contract/log.ts';
import { toNanos } from '../../lib/money.ts';
import type { LlmFilter } from '../../store/ledger/llm/filter.ts';
import { commaList, flag, refuse, unlessEmpty, wholeNumber } from '../query.ts';
import { amount, time } from './mcp-log-query.ts';

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/** The parameters that say which logs are meant. */
export const LLM_LOG_FILTERS = {
  providers: commaList('Comma list.'),
  models: commaList('Comma list of models, as the providers name them.'),
  aliases: commaList('Comma list of models, as callers named them.'),
  status: commaList('Comma list.', LogStatus.options),
  stop_reasons: commaList('Comma list.'),
  objects: commaList('Comma list of kinds of request.'),
  selected_key_ids: commaList('Comma list of keys of providers.'),
  virtual_key_ids: commaList('Comma list.'),
  team_ids: commaList('Comma list.'),
  customer_ids: commaList('Comma list.'),
  parent_request_id: commaList('Comma list.'),
  request_id: commaList('Comma list of `x-request-id`.'),
  start_time: time('From this time on, RFC 3339.'),
  end_time: time('Up to and with this time, RFC 3339.'),
  period: z
    .string()
    .regex(/^[1-9]\d{0,4}[mhdw]$/, 'must be a number and one of m, h, d, w, such as 24h')
    .optional()
    .meta({ description: 'The time up to now, such as 24h; instead of start_time and end_time.' }),
  min_latency: amount('Milliseconds.'),
  max_latency: amount('Milliseconds.'),
  min_tokens: amount('All tokens of a request.'),
  max_tokens: amount('All tokens of a request.'),
  min_cost: amount('USD.'),
  max_cost: amount('USD.'),
  missing_cost_only: flag('Only requests whose cost nobody knows.'),
  content_search: z.string().max(1000).optional().meta({ description: 'Part of what was asked or answered.' }),
};
export const LlmLogQuery = z.object(LLM_LOG_FILTERS);

export const LlmLogPageQuery = z.object({
  ...LLM_LOG_FILTERS,
  limit: wholeNumber('Logs per page, 1 to 1000; 50 unless said.'),
  offset: wholeNumber('Logs to skip.'),
  sort_by: z.enum(LLM_LOG_SORTS, `must be one of ${LLM_LOG_SORTS.join(', ')}`).optional(),
  order: z.enum(['asc', 'desc'], 'must be asc or desc').optional(),
});

type Query = z.output<typeof LlmLogQuery>;

/** The filter that the parameters of a request make. */
export function llmFilterOf(query: Query): LlmFilter {
  const { min_latency, max_latency, min_tokens, max_tokens, content_search } = query;
  for (const name of ['latency', 'tokens', 'cost'] as const) {
    const [least = 0, most = Infinity] = [query[`min_${name}`], query[`max_${name}`]];
    if (least > most) throw refuse(`max_${name}`, `must not be less than min_${name}`);
  }
  return {
    ...rangeOf(query),
    ...{ min_latency, max_latency, min_tokens, max_tokens, content_search },
    min_cost: query.min_cost === undefined ? undefined : toNanos(query.min_cost),
    max_cost: query.max_cost === undefined ? undefined : toNanos(query.max_cost),
    is_cost_missing: query.missing_cost_only === true ? true : undefined,
    providers: unlessEmpty(query.providers),
    models: unlessEmpty(query.models),
    aliases: unlessEmpty(query.aliases),
    status: unlessEmpty(query.status),
    stop_reasons: unlessEmpty(query.stop_reasons),
    objects: unlessEmpty(query.objects),
    selected_key_ids: unlessEmpty(query.selected_key_ids),
    virtual_key_ids: unlessEmpty(query.virtual_key_ids),
    team_ids: unlessEmpty(query.team_ids),
    customer_ids: unlessEmpty(query.customer_ids),
    parent_request_ids: unlessEmpty(query.parent_request_id),
    request_ids: unlessEmpty(query.request_id),
  };
}

function rangeOf({ start_time, end_time, period }: Query): Pick<LlmFilter, 'from' | 'to'> {
  if (period !== undefined) {
    if (start_time !== undefined || end_time !== undefined)
      throw refuse('period', 'must not stand beside start_time or end_time');
    const unit = UNITS[period.at(-1) as keyof typeof UNITS]; // the pattern above
    return { from: Date.now() - Number(period.slice(0, -1)) * unit };
  }
  const from = start_time === undefined ? undefined : Date.parse(start_time);
  const to = end_time === undefined ? undefined : Date.parse(end_time);
  if ((from ?? -Infinity) > (to ?? Infinity)) throw refuse('end_time', 'must not lie before start_time');
  return { from, to };
}
