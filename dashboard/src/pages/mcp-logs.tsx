import { useNavigate, useSearch } from '@tanstack/react-router';
import { Page } from '../ui/page.tsx';
import type { McpLogSearch } from './logs/search.ts';
import { McpLogs } from './mcp-logs/mcp-logs.tsx';

/** Every tool call, as they happen. */
export function McpLogsPage() {
  const search: McpLogSearch = useSearch({ from: '/_app/workspace/mcp-logs' });
  const navigate = useNavigate();
  return (
    <Page title="MCP logs" text="Every tool call: who, what, how long, how much.">
      <McpLogs
        search={search}
        onSearch={(change) => void navigate({ to: '.', search: { ...search, ...change }, replace: true })}
        onClear={() => void navigate({ to: '.', search: {} })}
      />
    </Page>
  );
}
