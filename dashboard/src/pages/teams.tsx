import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { customersQuery, teamsQuery, type OwnerKind } from '../data/owners.ts';
import { useSession } from '../shell/session-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Page } from '../ui/page.tsx';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { useRow } from '../ui/use-row.ts';
import { BudgetBar } from './limits/usage-bar.tsx';
import { OwnerDrawer, type Owner } from './teams/owner-drawer.tsx';

const FROM = { from: '/_app/workspace/teams' } as const;
const TEXTS = {
  teams: 'A team has keys; its budgets and limits hold for all of them together.',
  customers: 'A customer has teams and keys; its budgets and limits hold for all of them together.',
} as const;

/** Teams and customers: what their keys may spend together. */
export function TeamsPage() {
  const { tab = 'teams', id } = useSearch(FROM);
  const navigate = useNavigate();
  const { canWrite } = useSession();
  const teams = useQuery(teamsQuery);
  const customers = useQuery(customersQuery);
  const { data, error, refetch } = tab === 'teams' ? teams : customers;
  const owners: readonly Owner[] | undefined = data;
  const opened = useRow(owners, id);
  const open = (next: string | undefined): void =>
    void navigate({
      to: '.',
      search: { tab, ...(next === undefined ? {} : { id: next }) },
      replace: true,
      ignoreBlocker: true, // the drawer has asked
    });
  const add = canWrite && (
    <Button look="primary" icon="plus" onClick={() => open('new')}>
      Add a {tab === 'teams' ? 'team' : 'customer'}
    </Button>
  );
  const content = (
    <div className="flex flex-col gap-4">
      <p className="text-muted">{TEXTS[tab]}</p>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {owners === undefined && error === null && <Skeleton />}
      {owners?.length === 0 && (
        <Empty
          icon="people"
          title={`No ${tab} yet`}
          text="Keys can do without. Add one where several keys share a budget."
        />
      )}
      {owners !== undefined && owners.length > 0 && (
        <Table
          label={tab === 'teams' ? 'Teams' : 'Customers'}
          rows={owners}
          columns={COLUMNS}
          rowKey={(owner) => owner.id}
          rowHeight={52}
          onOpen={(owner) => open(owner.id)}
        />
      )}
    </div>
  );
  return (
    <Page title="Teams and customers" actions={add}>
      <Tabs<OwnerKind>
        label="Kind"
        value={tab}
        onValue={(next) => void navigate({ to: '.', search: { tab: next }, replace: true })}
        tabs={[
          { value: 'teams', label: 'Teams', mark: <Badge>{teams.data?.length ?? 0}</Badge>, content },
          { value: 'customers', label: 'Customers', mark: <Badge>{customers.data?.length ?? 0}</Badge>, content },
        ]}
      />
      {(id === 'new' || opened !== undefined) && (
        <OwnerDrawer key={`${tab} ${id}`} kind={tab} owner={opened} onClose={() => open(undefined)} />
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<Owner>[] = [
  {
    id: 'name',
    title: 'Name',
    sortBy: ({ name }) => name,
    cell: ({ name }) => <span className="font-medium">{name}</span>,
  },
  {
    id: 'customer',
    title: 'Belongs to',
    from: 'lg',
    width: 'w-44',
    cell: ({ customer }) => customer?.name ?? <span className="text-muted">nobody</span>,
  },
  {
    id: 'keys',
    title: 'Keys',
    width: 'w-20',
    align: 'right',
    sortBy: ({ virtual_keys }) => virtual_keys.length,
    cell: ({ virtual_keys }) => virtual_keys.length,
  },
  {
    id: 'budget',
    title: 'Budget',
    from: 'md',
    width: 'w-72',
    cell: ({ budgets: [first] }) =>
      first === undefined ? <span className="text-muted">unbounded</span> : <BudgetBar budget={first} isShort />,
  },
];
