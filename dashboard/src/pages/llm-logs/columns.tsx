import type { LlmLog } from '../../data/llm-logs.ts';
import { countText } from '../../numbers.ts';
import { turnsOf } from '../../turns.ts';
import type { Column } from '../../ui/table.tsx';
import { LOG_COLUMNS } from '../logs/columns.tsx';
import { previewOf } from '../logs/content.tsx';

/** The columns of requests to models. */
export const LLM_LOG_COLUMNS: readonly Column<LlmLog>[] = [
  LOG_COLUMNS.time,
  LOG_COLUMNS.status,
  {
    id: 'model',
    title: 'Model',
    cell: (log) => (
      <>
        <span className="text-muted max-md:hidden">{log.provider}/</span>
        <span className="font-medium">{log.model}</span>{' '}
        <span className="text-xs text-muted max-md:hidden">{lastWordsOf(log)}</span>
      </>
    ),
  },
  LOG_COLUMNS.key,
  {
    id: 'tokens',
    title: 'Tokens',
    from: 'md',
    width: 'w-24',
    align: 'right',
    sortBy: ({ token_usage }) => token_usage?.total_tokens ?? 0,
    cell: ({ token_usage }) => (
      <span className="tabular-nums">{token_usage === undefined ? '–' : countText(token_usage.total_tokens)}</span>
    ),
  },
  LOG_COLUMNS.latency,
  LOG_COLUMNS.cost,
];

/** What was said last before the model answered. */
function lastWordsOf({ input_history: input }: LlmLog): string {
  return turnsOf(input, 'user')?.at(-1)?.text ?? previewOf(input);
}
