import type { LogStatus } from '../../../../src/contract/log.ts';
import { durationText, usdText } from '../../numbers.ts';
import type { Column } from '../../ui/table.tsx';
import { momentText, StatusBadge } from './content.tsx';

interface Logged {
  readonly timestamp: string;
  readonly status: LogStatus;
  readonly latency?: number | undefined;
  readonly cost: number | null;
  readonly virtual_key_name?: string | undefined;
  readonly principal: string;
}

/** A moment in a row: all of it where there is room. */
export function MomentCell({ at, short }: { at: string; short: string }) {
  return (
    <time dateTime={at} className="tabular-nums" title={momentText(at)}>
      <span className="max-lg:hidden">{momentText(at)}</span>
      <span className="lg:hidden">{short}</span>
    </time>
  );
}

/** What every log says of a row. The gateway sorts, by the ids that it knows. */
export const LOG_COLUMNS = {
  time: {
    id: 'timestamp',
    title: 'Time',
    width: 'w-28 lg:w-50',
    sortBy: ({ timestamp }) => Date.parse(timestamp),
    cell: ({ timestamp }) => <MomentCell at={timestamp} short={new Date(timestamp).toLocaleTimeString()} />,
  },
  status: { id: 'status', title: 'Status', width: 'w-28', cell: ({ status }) => <StatusBadge status={status} /> },
  key: {
    id: 'key',
    title: 'Key',
    from: 'lg',
    width: 'w-32',
    cell: ({ virtual_key_name, principal }) => virtual_key_name ?? principal,
  },
  latency: {
    id: 'latency',
    title: 'Time taken',
    from: 'md',
    width: 'w-28',
    align: 'right',
    sortBy: ({ latency }) => latency ?? 0,
    cell: ({ latency }) => <span className="tabular-nums">{durationText(latency)}</span>,
  },
  cost: {
    id: 'cost',
    title: 'Cost',
    from: 'lg',
    width: 'w-28',
    align: 'right',
    sortBy: ({ cost }) => cost ?? 0,
    cell: ({ cost, status }) => <span className="tabular-nums">{status === 'processing' ? '–' : usdText(cost)}</span>,
  },
} satisfies Readonly<Record<string, Column<Logged>>>;
