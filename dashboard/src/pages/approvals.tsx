import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Approval } from '../../../src/contract/approval.ts';
import { approvalsQuery } from '../data/approvals.ts';
import { Badge, type Tone } from '../ui/badge.tsx';
import { Fetched } from '../ui/fetched.tsx';
import { Page } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { WaitingCall } from './approvals/waiting-call.tsx';
import { timeText } from './server-words.tsx';

const FROM = { from: '/_app/workspace/mcp-approvals' } as const;

/** Calls that wait for a person, and what became of the others. */
export function ApprovalsPage() {
  const { tab = 'waiting' } = useSearch(FROM);
  const navigate = useNavigate();
  const { data } = useQuery(approvalsQuery(true));
  return (
    <Page title="Approvals" text="Calls of tools that a server lists in tools_to_approve wait here for a yes.">
      <Tabs
        label="Approvals"
        value={tab}
        onValue={(next) => void navigate({ to: '.', search: next === 'waiting' ? {} : { tab: next }, replace: true })}
        tabs={[
          {
            value: 'waiting',
            label: 'Waiting',
            mark: <Badge tone={data?.total_count ? 'warn' : 'plain'}>{data?.total_count ?? 0}</Badge>,
            content: <Waiting />,
          },
          { value: 'decided', label: 'Decided', content: <Decided /> },
        ]}
      />
    </Page>
  );
}

function Waiting() {
  return (
    <Fetched query={useQuery(approvalsQuery(true))}>
      {({ approvals }) =>
        approvals.length === 0 ? (
          <Empty
            icon="shield"
            title="Nothing waits"
            text="A call shows here the moment that it begins to wait. Which tools want approval, each server's page says."
          />
        ) : (
          <ul className="flex flex-col gap-3">
            {/* Who waits longest first: one that comes in must not move another under the button that is about to be pressed. */}
            {approvals.toReversed().map((approval) => (
              <li key={approval.id}>
                <WaitingCall approval={approval} />
              </li>
            ))}
          </ul>
        )
      }
    </Fetched>
  );
}

function Decided() {
  return (
    <Fetched query={useQuery(approvalsQuery(false))}>
      {({ approvals }) =>
        approvals.length === 0 ? (
          <Empty icon="shield" title="Nothing was decided yet" text="Decisions stay here as long as logs are kept." />
        ) : (
          <Table label="Decided" rows={approvals} columns={COLUMNS} rowKey={({ id }) => id} />
        )
      }
    </Fetched>
  );
}

const TONES: Readonly<Record<Approval['status'], Tone>> = {
  pending: 'warn',
  approved: 'good',
  used: 'good',
  denied: 'bad',
  expired: 'plain',
};

const COLUMNS: readonly Column<Approval>[] = [
  {
    id: 'tool',
    title: 'Tool',
    cell: ({ mcp_client_name, tool }) => (
      <span className="font-mono text-sm">
        {mcp_client_name}-{tool}
      </span>
    ),
  },
  {
    id: 'status',
    title: 'Status',
    width: 'w-24',
    cell: ({ status }) => <Badge tone={TONES[status]}>{status}</Badge>,
  },
  { id: 'caller', title: 'Called by', from: 'md', width: 'w-40', cell: ({ principal_name }) => principal_name },
  { id: 'by', title: 'Decided by', from: 'md', width: 'w-40', cell: ({ decided_by_name = '–' }) => decided_by_name },
  { id: 'note', title: 'Note', from: 'lg', cell: ({ note = '' }) => <span title={note}>{note}</span> },
  {
    id: 'time',
    title: 'When',
    from: 'lg',
    width: 'w-40',
    cell: ({ decided_at, created_at }) => timeText(decided_at ?? created_at),
  },
];
