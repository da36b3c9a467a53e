import type { McpLog } from '../../data/mcp-logs.ts';
import { durationText, usdText } from '../../numbers.ts';
import type { Column } from '../../ui/table.tsx';
import { momentText, previewOf, StatusBadge } from '../logs/content.tsx';

/** The columns of tool calls; the gateway sorts, by the ids that it knows. */
export const MCP_LOG_COLUMNS: readonly Column<McpLog>[] = [
  {
    id: 'timestamp',
    title: 'Time',
    width: 'w-28 lg:w-52',
    sortBy: ({ timestamp }) => Date.parse(timestamp),
    cell: ({ timestamp }) => (
      <time dateTime={timestamp} className="tabular-nums" title={momentText(timestamp)}>
        <span className="max-lg:hidden">{momentText(timestamp)}</span>
        <span className="lg:hidden">{new Date(timestamp).toLocaleTimeString()}</span>
      </time>
    ),
  },
  { id: 'status', title: 'Status', width: 'w-28', cell: ({ status }) => <StatusBadge status={status} /> },
  {
    id: 'tool',
    title: 'Tool',
    cell: ({ tool_name, arguments: args }) => (
      <>
        <span className="font-medium">{tool_name}</span>{' '}
        <span className="font-mono text-xs text-muted max-md:hidden">{previewOf(args)}</span>
      </>
    ),
  },
  { id: 'server', title: 'Server', from: 'md', width: 'w-32', cell: ({ server_label }) => server_label ?? '–' },
  {
    id: 'key',
    title: 'Key',
    from: 'lg',
    width: 'w-32',
    cell: ({ virtual_key_name, principal }) => virtual_key_name ?? principal,
  },
  {
    id: 'latency',
    title: 'Time taken',
    from: 'md',
    width: 'w-28',
    align: 'right',
    sortBy: ({ latency }) => latency ?? 0,
    cell: ({ latency }) => <span className="tabular-nums">{durationText(latency)}</span>,
  },
  {
    id: 'cost',
    title: 'Cost',
    from: 'lg',
    width: 'w-24',
    align: 'right',
    sortBy: ({ cost }) => cost,
    cell: ({ cost }) => <span className="tabular-nums">{usdText(cost)}</span>,
  },
];
