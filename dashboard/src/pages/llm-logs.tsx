import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { keys } from '../data/keys.ts';
import { llmLogsQuery, llmPlotsQuery } from '../data/llm-logs.ts';
import type { LogFilter } from '../data/logs.ts';
import type { LlmLogStats } from '../../../src/contract/llm-log.ts';
import { countText, durationText, percentText, usdText } from '../numbers.ts';
import { Fetched } from '../ui/fetched.tsx';
import { Page } from '../ui/page.tsx';
import { Stats } from '../ui/stats.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { LLM_LOG_COLUMNS } from './llm-logs/columns.tsx';
import { LlmLogDetail } from './llm-logs/detail.tsx';
import { LlmFilters } from './llm-logs/filters.tsx';
import { LlmPlots } from './llm-logs/plots.tsx';
import { useLiveRows } from './logs/live-rows.tsx';
import { LogList, type SearchChange } from './logs/log-list.tsx';
import { rangeOf } from './logs/plots.tsx';
import { logPageOf, type LlmLogSearch } from './logs/search.ts';

/** Every request to a model, as they happen, and what they sum up to. */
export function LlmLogsPage() {
  const search: LlmLogSearch = useSearch({ from: '/_app/workspace/logs' });
  const navigate = useNavigate();
  const page = logPageOf(search);
  const live = useLiveRows('log', keys.llmLogs, page.number === 0);
  const query = useQuery({ ...llmLogsQuery(filterOf(search), page.asked), ...live.freshness });
  const onSearch = (change: SearchChange<LlmLogSearch>): void =>
    void navigate({ to: '.', search: { ...search, ...change }, replace: true });
  return (
    <Page title="LLM logs" text="Every request to a model: who, what, how long, how many tokens, how much.">
      <LlmFilters search={search} onSearch={onSearch} button={live.button} />
      <Fetched query={query}>
        {(list) => (
          <>
            <Sums stats={list.stats} />
            <Views
              search={search}
              onSearch={onSearch}
              rows={
                <LogList
                  label="Requests to models"
                  list={list}
                  columns={LLM_LOG_COLUMNS}
                  search={search}
                  onSearch={onSearch}
                  onClear={() => void navigate({ to: '.', search: {} })}
                  word="request"
                  hint="When a client asks a model through this gateway, it shows here."
                />
              }
            />
          </>
        )}
      </Fetched>
      {search.selected !== undefined && (
        <LlmLogDetail
          id={search.selected}
          rows={query.data?.logs ?? []}
          onSelect={(selected) => onSearch({ selected })}
        />
      )}
    </Page>
  );
}

function Sums({ stats }: { stats: LlmLogStats }) {
  const { total_requests: count, cost_unknown_requests: unknown } = stats;
  return (
    <Stats
      stats={[
        { label: 'Requests', value: countText(count) },
        {
          label: 'Success',
          value: count === 0 ? '–' : percentText(stats.success_rate),
          hint: count === 0 ? undefined : `${percentText(stats.user_facing_success_rate)} as users see it`,
        },
        { label: 'Mean time', value: durationText(stats.average_latency) },
        { label: 'Tokens', value: countText(stats.total_tokens) },
        {
          label: 'Cost',
          value: usdText(stats.total_cost),
          hint: unknown === 0 ? undefined : `and ${countText(unknown)} of unknown cost`,
        },
      ]}
    />
  );
}

interface ViewProps {
  readonly search: LlmLogSearch;
  readonly onSearch: (change: SearchChange<LlmLogSearch>) => void;
}

/** The same requests one by one, or summed up. */
function Views({ search, onSearch, rows }: ViewProps & { rows: ReactNode }) {
  return (
    <Tabs
      label="Views of the requests"
      value={search.view === 'plots' ? 'plots' : 'rows'}
      onValue={(view) => onSearch({ view: view === 'plots' ? view : undefined })}
      tabs={[
        { value: 'rows', label: 'Requests', content: <div className="flex flex-col gap-4">{rows}</div> },
        { value: 'plots', label: 'Plots', content: <Plots search={search} onSearch={onSearch} /> },
      ]}
    />
  );
}

function Plots({ search, onSearch }: ViewProps) {
  const query = useQuery(llmPlotsQuery(filterOf(search)));
  return (
    <Fetched query={query} rows={12}>
      {(data) => (
        <LlmPlots
          data={data}
          onPick={(from, to) => onSearch({ ...rangeOf(from, to), last: undefined, page: undefined })}
        />
      )}
    </Fetched>
  );
}

function filterOf(search: LlmLogSearch): LogFilter {
  return {
    ...{ last: search.last, from: search.from, to: search.to, status: search.status },
    providers: search.provider,
    models: search.model,
    virtual_key_ids: search.key,
    selected_key_ids: search.pkey,
    parent_request_id: search.run,
    min_latency: search.slow,
    missing_cost_only: search.cost === 'unknown' ? 'true' : undefined,
    content_search: search.q,
  };
}
