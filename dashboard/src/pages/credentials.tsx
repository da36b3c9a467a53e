import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { McpSession } from '../../../src/contract/mcp-session.ts';
import { sessionsQuery } from '../data/sessions.ts';
import { useSession } from '../shell/session-context.tsx';
import { Badge, type Tone } from '../ui/badge.tsx';
import { Fetched } from '../ui/fetched.tsx';
import { FindText, PickOne } from '../ui/filters.tsx';
import { Page } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { Doctor } from './credentials/doctor.tsx';
import { holderOf, SessionActions } from './credentials/session-actions.tsx';
import type { SessionFilter } from './credentials/session-search.ts';
import { timeText } from './server-words.tsx';

const FROM = { from: '/_app/workspace/mcp-sessions' } as const;
const STATUSES = ['active', 'needs_reauth', 'needs_update', 'orphaned', 'expired', 'pending', 'failed'];
const OPTIONS = STATUSES.map((value) => ({ value, label: value.replace('_', ' ') }));

/** The credentials that callers have of their own, and what is wrong with signing in to a server. */
export function CredentialsPage() {
  const { doctor, ...filter } = useSearch(FROM);
  const navigate = useNavigate();
  const { canWrite } = useSession();
  const query = useQuery(sessionsQuery(filter));
  const setFilter = (change: { [K in keyof SessionFilter]?: string | undefined }): void =>
    void navigate({ to: '.', search: { ...filter, doctor, ...change } as SessionFilter, replace: true });

  return (
    <Page
      title="Credentials"
      text="Servers that know each of their callers keep a credential for each. Values are never shown."
    >
      <div className="flex flex-wrap items-center gap-2" role="search">
        <FindText label="Search callers and servers" value={filter.q} onValue={(q) => setFilter({ q })} />
        <PickOne label="Status" value={filter.status} options={OPTIONS} onValue={(status) => setFilter({ status })} />
      </div>
      <Fetched query={query}>
        {({ sessions }) =>
          sessions.length === 0 ? (
            <Empty
              icon="shield"
              title="No credential here"
              text="A caller of a server with OAuth or headers per user is sent a link at the first call; what is entered there shows here."
            />
          ) : (
            <Table
              label="Credentials"
              rows={sessions}
              columns={columnsOf(canWrite)}
              rowKey={({ id }) => id}
              rowHeight={52}
            />
          )
        }
      </Fetched>
      <Doctor serverId={doctor ?? ''} onServer={(id) => setFilter({ doctor: id === '' ? undefined : id })} />
    </Page>
  );
}

const TONES: Readonly<Record<string, Tone>> = {
  active: 'good',
  authorized: 'good',
  needs_reauth: 'warn',
  needs_update: 'warn',
  pending: 'accent',
  failed: 'bad',
};

function columnsOf(canWrite: boolean): Column<McpSession>[] {
  return [
    {
      id: 'holder',
      title: 'Whose',
      sortBy: holderOf,
      cell: (session) => (
        <>
          <span className="font-medium">{holderOf(session)}</span>
          <span className="block truncate text-xs text-muted md:hidden">{session.mcp_client.name}</span>
        </>
      ),
    },
    {
      id: 'server',
      title: 'Server',
      from: 'md',
      sortBy: ({ mcp_client }) => mcp_client.name,
      cell: ({ mcp_client }) => mcp_client.name,
    },
    {
      id: 'kind',
      title: 'Kind',
      from: 'lg',
      width: 'w-40',
      cell: ({ auth_kind, kind }) =>
        `${auth_kind === 'oauth' ? 'OAuth' : 'Headers'}${kind === 'flow' ? ', to be entered' : ''}`,
    },
    {
      id: 'status',
      title: 'Status',
      width: 'w-28',
      sortBy: ({ status }) => status,
      cell: ({ status }) => <Badge tone={TONES[status] ?? 'plain'}>{status.replace('_', ' ')}</Badge>,
    },
    { id: 'time', title: 'Since', from: 'lg', width: 'w-36', cell: ({ created_at }) => timeText(created_at) },
    ...(canWrite
      ? [
          {
            id: 'actions',
            title: 'Actions',
            width: 'w-24 md:w-44',
            cell: (session: McpSession) => <SessionActions session={session} />,
          },
        ]
      : []),
  ];
}
