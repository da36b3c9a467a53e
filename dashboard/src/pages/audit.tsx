import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { AuditAction, AuditEntity } from '../../../src/contract/audit.ts';
import { auditQuery, verifyAudit, type AuditEntry } from '../data/audit.ts';
import { countText } from '../numbers.ts';
import { Button } from '../ui/button.tsx';
import { Page } from '../ui/page.tsx';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { AuditDetail } from './audit/entry.tsx';
import { FindText, Pager, PickOne } from './logs/bar.tsx';
import { MomentCell } from './logs/columns.tsx';
import { logPageOf, type AuditSearch } from './logs/search.ts';
import { timeText } from './server-words.tsx';

const ACTIONS: Readonly<Record<AuditAction, string>> = {
  ...{ create: 'create', update: 'update', delete: 'delete', rotate: 'rotate', reset: 'reset' },
  ...{ reconnect: 'reconnect', refresh: 'refresh', reauthorize: 'reauthorize', login: 'sign in' },
  ...{ login_failed: 'failed sign-in', logout: 'sign out', approve: 'approve', deny: 'deny' },
};
const ENTITIES: Partial<Record<AuditEntity, string>> = {
  ...{ mcp_client: 'MCP server', virtual_key: 'virtual key', team: 'team', customer: 'customer', budget: 'budget' },
  ...{ rate_limit: 'rate limit', api_key: 'API key', user: 'account', session: 'session', settings: 'settings' },
  ...{ mcp_logs: 'MCP logs', mcp_session: 'credential', oauth_session: 'sign-in of a client', provider: 'provider' },
  ...{ provider_key: 'provider key', mcp_approval: 'approval' },
};

const COLUMNS: readonly Column<AuditEntry>[] = [
  {
    id: 'at',
    title: 'Time',
    width: 'w-24 lg:w-52',
    cell: ({ at }) => <MomentCell at={at} short={timeText(at)} />,
  },
  { id: 'actor', title: 'Who', width: 'w-20 lg:w-40', cell: ({ actor_name }) => actor_name },
  {
    id: 'action',
    title: 'Did',
    width: 'w-20 lg:w-32',
    cell: ({ action }) => ACTIONS[action as AuditAction] ?? action,
  },
  { id: 'entity', title: 'To', from: 'md', width: 'w-36', cell: ({ entity }) => entityText(entity) },
  { id: 'name', title: 'Name', cell: ({ entity_name }) => <span className="font-medium">{entity_name}</span> },
];

/** Every change of the gateway: who, when, what was before and after. */
export function AuditPage() {
  const search: AuditSearch = useSearch({ from: '/_app/workspace/audit-logs' });
  const navigate = useNavigate();
  const page = logPageOf(search);
  const { limit, offset } = page.asked;
  const filter = { search: search.q, action: search.action, entity: search.entity };
  const { data, error, refetch } = useQuery(auditQuery(filter, { limit, offset }));
  const go = (change: Partial<Record<keyof AuditSearch, string | undefined>>): void =>
    void navigate({ to: '.', search: { ...search, ...change }, replace: true });
  return (
    <Page title="Audit" text="Every change, by whom, and what was there before." actions={<Verify />}>
      <div className="flex flex-wrap items-center gap-2" role="search">
        <FindText label="Search names" value={search.q} onValue={(q) => go({ q, page: undefined })} />
        <PickOne
          label="Action"
          value={search.action}
          options={Object.entries(ACTIONS).map(([value, label]) => ({ value, label }))}
          onValue={(action) => go({ action, page: undefined })}
        />
        <PickOne
          label="Changed"
          value={search.entity}
          options={Object.entries(ENTITIES).map(([value, label]) => ({ value, label }))}
          onValue={(entity) => go({ entity, page: undefined })}
        />
      </div>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton />}
      {data?.audit_logs.length === 0 && (
        <Empty icon="search" title="No change matches" text="Try fewer words, or look at all of them." />
      )}
      {data !== undefined && data.audit_logs.length > 0 && (
        <>
          <Table
            label="Changes"
            rows={data.audit_logs}
            columns={COLUMNS}
            rowKey={({ id }) => String(id)}
            onOpen={({ id }) => go({ selected: String(id) })}
            rowHeight={38}
          />
          <Pager
            number={page.number}
            total={data.pagination.total_count}
            onNumber={(number) => go({ page: number === 0 ? undefined : String(number) })}
          />
        </>
      )}
      {search.selected !== undefined && (
        <AuditDetail id={search.selected} onClose={() => go({ selected: undefined })} />
      )}
    </Page>
  );
}

function Verify() {
  const { mutate, data, error, isPending } = useMutation({ mutationFn: verifyAudit });
  return (
    <div className="flex flex-wrap items-center gap-3">
      <p role="status" className="text-sm">
        {data?.is_intact === true && (
          <span className="text-good">Intact: all {countText(data.entries)} entries hold.</span>
        )}
        {data?.is_intact === false && (
          <span className="text-bad">
            Broken at entry {data.first_broken_id}: {data.reason}
          </span>
        )}
      </p>
      {error !== null && <Problem error={error} />}
      <Button icon="shield" isBusy={isPending} onClick={() => mutate()}>
        Verify
      </Button>
    </div>
  );
}

function entityText(entity: string): string {
  return ENTITIES[entity as AuditEntity] ?? entity.replaceAll('_', ' ');
}
