import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { keys } from '../../data/keys.ts';
import type { LogFilter } from '../../data/logs.ts';
import { mcpLogFilterDataQuery, mcpLogsQuery } from '../../data/mcp-logs.ts';
import { countText, durationText, percentText, usdText } from '../../numbers.ts';
import { Button } from '../../ui/button.tsx';
import { Fetched } from '../../ui/fetched.tsx';
import { Stats } from '../../ui/stats.tsx';
import { LogFilters, namedOptions, optionsOf } from '../logs/filters.tsx';
import { useLiveRows } from '../logs/live-rows.tsx';
import { LogList, type SearchChange } from '../logs/log-list.tsx';
import { logPageOf, type McpLogSearch } from '../logs/search.ts';
import { MCP_LOG_COLUMNS } from './columns.tsx';
import { McpLogDetail } from './detail.tsx';

interface McpLogsProps {
  readonly search: McpLogSearch;
  readonly onSearch: (change: SearchChange<McpLogSearch>) => void;
  readonly onClear: () => void;
  /** Only the calls of this server; by its name, which its rows keep. */
  readonly server?: string;
}

/** Tool calls as they happen: filters, sums, rows, and one of them in full. */
export function McpLogs({ search, onSearch, onClear, server }: McpLogsProps) {
  const page = logPageOf(search);
  const live = useLiveRows('mcp_log', keys.mcpLogs, page.number === 0);
  const query = useQuery({ ...mcpLogsQuery(filterOf(search, server), page.asked), ...live.freshness });
  return (
    <>
      <Filters search={search} onSearch={onSearch} isOfOne={server !== undefined} button={live.button} />
      <Fetched query={query}>
        {(list) => (
          <>
            <Stats
              stats={[
                { label: 'Calls', value: countText(list.stats.total_executions) },
                {
                  label: 'Success',
                  value: list.stats.total_executions === 0 ? '–' : percentText(list.stats.success_rate),
                },
                { label: 'Mean time', value: durationText(list.stats.average_latency) },
                { label: 'Cost', value: usdText(list.stats.total_cost) },
              ]}
            />
            <LogList
              label="Tool calls"
              list={list}
              columns={MCP_LOG_COLUMNS}
              search={search}
              onSearch={onSearch}
              onClear={onClear}
              word="call"
              hint="When a client calls a tool through this gateway, it shows here."
            />
          </>
        )}
      </Fetched>
      {search.selected !== undefined && (
        <McpLogDetail
          id={search.selected}
          rows={query.data?.logs ?? []}
          onSelect={(selected) => onSearch({ selected })}
        />
      )}
    </>
  );
}

interface FiltersProps extends Pick<McpLogsProps, 'search' | 'onSearch'> {
  readonly isOfOne: boolean;
  readonly button: ReactNode;
}

function Filters({ search, onSearch, isOfOne, button }: FiltersProps) {
  const { data } = useQuery(mcpLogFilterDataQuery);
  const servers = { field: 'server', label: 'Server', options: optionsOf(data?.server_labels) } as const;
  return (
    <LogFilters
      search={search}
      onSearch={onSearch}
      wordsLabel="Search in arguments and results"
      picks={[
        ...(isOfOne ? [] : [servers]),
        { field: 'tool', label: 'Tool', options: optionsOf(data?.tool_names), isLong: true },
        { field: 'key', label: 'Key', options: namedOptions(data?.virtual_keys), isLong: true },
      ]}
    >
      {search.llm !== undefined && (
        <Button icon="close" onClick={() => onSearch({ llm: undefined, page: undefined })}>
          One request to a model
        </Button>
      )}
      {button}
    </LogFilters>
  );
}

function filterOf(search: McpLogSearch, server: string | undefined): LogFilter {
  return {
    ...{ last: search.last, from: search.from, to: search.to, status: search.status },
    server_labels: server ?? search.server,
    tool_names: search.tool,
    virtual_key_ids: search.key,
    llm_request_ids: search.llm,
    min_latency: search.slow,
    content_search: search.q,
  };
}
