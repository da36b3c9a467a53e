import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { keys } from '../data/keys.ts';
import { mcpLogsQuery, mcpOverviewQuery } from '../data/mcp-logs.ts';
import { countText, durationText, percentileOf, percentText, usdText } from '../numbers.ts';
import { useLiveRefresh } from '../shell/live-refresh.ts';
import { buttonClasses } from '../ui/button.tsx';
import { Page } from '../ui/page.tsx';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { Stats } from '../ui/stats.tsx';
import { TimeRangePicker, type TimeRange } from '../ui/time-range.tsx';
import { CostPlot, rangeOf, VolumePlot } from './logs/plots.tsx';
import { isEnded } from './overview/latencies.ts';
import { LatencyPlot } from './overview/latency-plot.tsx';
import { TopTools } from './overview/top-tools.tsx';

/** Percentiles are worked out here, of the newest calls only. */
const MEASURED = { limit: 500, offset: 0 } as const;

/** What happened in a time: how much, how well, how fast, for how much. */
export function OverviewPage() {
  const range: TimeRange = useSearch({ from: '/_app/workspace/dashboard' });
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(mcpOverviewQuery({ ...range }));
  const { data: list } = useQuery(mcpLogsQuery({ ...range }, MEASURED));
  useLiveRefresh('mcp_log', keys.mcpLogs, range.from === undefined);

  const setRange = (next: TimeRange): void => void navigate({ to: '.', search: { ...next }, replace: true });
  const pick = (from: number, to: number): void => void navigate({ to: '.', search: rangeOf(from, to) });
  const calls = list?.logs ?? [];
  return (
    <Page title="Overview" text="Tool calls over time. Drag over a plot to look closer.">
      <div className="flex flex-wrap items-center gap-2">
        <TimeRangePicker value={range} onValue={setRange} />
        <span className="flex-1" />
        <div className="flex gap-2">
          <Link to="/workspace/mcp-logs" search={{ ...range, status: 'error' }} className={buttonClasses()}>
            What failed
          </Link>
          <Link to="/workspace/mcp-logs" search={{ ...range }} className={buttonClasses()}>
            All calls
          </Link>
        </div>
      </div>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton rows={12} />}
      {data?.stats.total_executions === 0 && (
        <Empty
          icon="chart"
          title="No call in this time"
          text="Look at a longer time, or call a tool: it shows here at once."
          action={
            <Link to="." search={{ last: '30d' }} className={buttonClasses()}>
              Last 30 days
            </Link>
          }
        />
      )}
      {data !== undefined && data.stats.total_executions > 0 && (
        <>
          <Stats
            stats={[
              { label: 'Calls', value: countText(data.stats.total_executions) },
              { label: 'Success', value: percentText(data.stats.success_rate) },
              {
                label: 'p95 of the time taken',
                value: durationText(
                  percentileOf(
                    calls.filter(isEnded).map(({ latency }) => latency),
                    95,
                  ),
                ),
              },
              { label: 'Cost', value: usdText(data.stats.total_cost) },
            ]}
          />
          <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
            <VolumePlot volume={data.volume} onPick={pick} />
            <LatencyPlot calls={calls} total={data.stats.total_executions} volume={data.volume} onPick={pick} />
            <CostPlot cost={data.cost} onPick={pick} />
            <TopTools tools={data.top} range={range} />
          </div>
        </>
      )}
    </Page>
  );
}
