import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { auditQuery, verifyAudit } from '../data/audit.ts';
import { countText } from '../numbers.ts';
import { Button } from '../ui/button.tsx';
import { FindText, PickOne } from '../ui/filters.tsx';
import { Page } from '../ui/page.tsx';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { Table } from '../ui/table.tsx';
import { ACTIONS, AUDIT_COLUMNS, ENTITIES } from './audit/columns.tsx';
import { AuditDetail } from './audit/entry.tsx';
import { Pager } from './logs/pager.tsx';
import { logPageOf, type AuditSearch } from './logs/search.ts';

const COLUMNS = [AUDIT_COLUMNS.at, AUDIT_COLUMNS.actor, AUDIT_COLUMNS.action, AUDIT_COLUMNS.entity, AUDIT_COLUMNS.name];

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
