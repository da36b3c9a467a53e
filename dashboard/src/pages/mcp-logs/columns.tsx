import type { McpLog } from '../../data/mcp-logs.ts';
import type { Column } from '../../ui/table.tsx';
import { LOG_COLUMNS } from '../logs/columns.tsx';
import { previewOf } from '../logs/content.tsx';

/** The columns of tool calls. */
export const MCP_LOG_COLUMNS: readonly Column<McpLog>[] = [
  LOG_COLUMNS.time,
  LOG_COLUMNS.status,
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
  LOG_COLUMNS.key,
  LOG_COLUMNS.latency,
  LOG_COLUMNS.cost,
];
