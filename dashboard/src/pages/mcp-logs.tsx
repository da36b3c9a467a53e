import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '../data/keys.ts';
import { mcpLogFilterDataQuery, mcpLogsQuery, type McpLogFilter } from '../data/mcp-logs.ts';
import { countText, durationText, percentText, usdText } from '../numbers.ts';
import { useLiveRefresh } from '../shell/live-refresh.ts';
import { Button } from '../ui/button.tsx';
import { Input } from '../ui/field.tsx';
import { Page } from '../ui/page.tsx';
import { writeSort } from '../ui/sort.ts';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { Stats } from '../ui/stats.tsx';
import { Table } from '../ui/table.tsx';
import { TimeRangePicker } from '../ui/time-range.tsx';
import { FindOne, LiveButton, optionsOf, Pager, PickOne } from './logs/bar.tsx';
import { STATUS_OPTIONS } from './logs/content.tsx';
import { logPageOf, type McpLogSearch } from './logs/search.ts';
import { MCP_LOG_COLUMNS } from './mcp-logs/columns.tsx';
import { McpLogDetail } from './mcp-logs/detail.tsx';

type Change = Partial<Record<keyof McpLogSearch, string | undefined>>;

/** Every tool call, as they happen. */
export function McpLogsPage() {
  const search: McpLogSearch = useSearch({ from: '/_app/workspace/mcp-logs' });
  const navigate = useNavigate();
  const [isPaused, setPaused] = useState(false);
  const page = logPageOf(search);
  const options = mcpLogsQuery(filterOf(search), page.asked);
  const { data, error, refetch } = useQuery({ ...options, ...(isPaused ? { staleTime: Infinity } : {}) });
  useLiveRefresh('mcp_log', keys.mcpLogs, !isPaused && page.number === 0);

  function go(change: Change): void {
    void navigate({ to: '.', search: { ...search, ...change }, replace: true });
  }
  function pause(next: boolean): void {
    setPaused(next);
    if (!next) void refetch();
  }

  return (
    <Page
      title="MCP logs"
      text="Every tool call: who, what, how long, how much."
      actions={<LiveButton isPaused={isPaused} onPause={pause} />}
    >
      <Filters search={search} onChange={(change) => go({ ...change, page: undefined })} />
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton />}
      {data !== undefined && (
        <>
          <Stats
            stats={[
              { label: 'Calls', value: countText(data.stats.total_executions) },
              {
                label: 'Success',
                value: data.stats.total_executions === 0 ? '–' : percentText(data.stats.success_rate),
              },
              { label: 'Mean time', value: durationText(data.stats.average_latency) },
              { label: 'Cost', value: usdText(data.stats.total_cost) },
            ]}
          />
          {data.logs.length === 0 ? (
            <NoLogs hasLogs={data.has_logs} onClear={() => void navigate({ to: '.', search: {} })} />
          ) : (
            <>
              <Table
                label="Tool calls"
                rows={data.logs}
                columns={MCP_LOG_COLUMNS}
                rowKey={({ id }) => id}
                onOpen={({ id }) => go({ selected: id })}
                sort={page.order}
                onSort={(sort) => go({ sort: writeSort(sort), page: undefined })}
                rowHeight={38}
              />
              <Pager
                number={page.number}
                total={data.pagination.total_count}
                onNumber={(number) => go({ page: number === 0 ? undefined : String(number) })}
              />
            </>
          )}
        </>
      )}
      {search.selected !== undefined && (
        <McpLogDetail id={search.selected} rows={data?.logs ?? []} onSelect={(selected) => go({ selected })} />
      )}
    </Page>
  );
}

function NoLogs({ hasLogs, onClear }: { hasLogs: boolean; onClear: () => void }) {
  if (!hasLogs) {
    return (
      <Empty icon="log" title="No call yet" text="When a client calls a tool through this gateway, it shows here." />
    );
  }
  return (
    <Empty
      icon="search"
      title="No call matches"
      text="Look at a longer time, or for less."
      action={<Button onClick={onClear}>Clear the filters</Button>}
    />
  );
}

function Filters({ search, onChange }: { search: McpLogSearch; onChange: (change: Change) => void }) {
  const { data } = useQuery(mcpLogFilterDataQuery);
  const virtualKeys = (data?.virtual_keys ?? []).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <div className="flex flex-wrap items-center gap-2" role="search">
      <TimeRangePicker value={search} onValue={({ last, from, to }) => onChange({ last, from, to })} />
      <PickOne
        label="Status"
        value={search.status}
        options={STATUS_OPTIONS}
        onValue={(status) => onChange({ status })}
      />
      <PickOne
        label="Server"
        value={search.server}
        options={optionsOf(data?.server_labels)}
        onValue={(server) => onChange({ server })}
      />
      <FindOne
        label="Tool"
        value={search.tool}
        options={optionsOf(data?.tool_names)}
        onValue={(tool) => onChange({ tool })}
      />
      <FindOne label="Key" value={search.key} options={virtualKeys} onValue={(key) => onChange({ key })} />
      <div className="min-w-48 flex-1">
        <Input
          type="search"
          aria-label="Search in arguments and results"
          placeholder="Search in arguments and results"
          value={search.q ?? ''}
          onText={(q) => onChange({ q: q === '' ? undefined : q })}
        />
      </div>
      {search.llm !== undefined && (
        <Button icon="close" onClick={() => onChange({ llm: undefined })}>
          One request to a model
        </Button>
      )}
    </div>
  );
}

function filterOf(search: McpLogSearch): McpLogFilter {
  return {
    ...{ last: search.last, from: search.from, to: search.to, status: search.status },
    server_labels: search.server,
    tool_names: search.tool,
    virtual_key_ids: search.key,
    llm_request_ids: search.llm,
    min_latency: search.slow,
    content_search: search.q,
  };
}
