import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { virtualKeysQuery, type VirtualKey } from '../data/virtual-keys.ts';
import { useSession } from '../shell/session-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { FindText, PickOne } from '../ui/filters.tsx';
import { Page } from '../ui/page.tsx';
import { parseSort, writeSort } from '../ui/sort.ts';
import { Empty, Problem, Skeleton } from '../ui/states.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { BudgetBar } from './limits/usage-bar.tsx';
import { CreateKey } from './virtual-key/create-key.tsx';
import { filterKeys, KEY_STATES, stateOf, type KeyFilter } from './virtual-key/key-search.ts';
import { KeyStateBadge } from './virtual-key/key-state.tsx';
import { RevealedKey } from './virtual-key/revealed-key.tsx';

const FROM = { from: '/_app/workspace/virtual-keys' } as const;
const STATES = KEY_STATES.map((value) => ({ value, label: value }));

/** All virtual keys: whose they are, where they stand, and how much they may still spend. */
export function VirtualKeysPage() {
  const { data: all, error, refetch } = useQuery(virtualKeysQuery);
  const filter = useSearch(FROM);
  const navigate = useNavigate();
  const { canWrite } = useSession();
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<VirtualKey>();
  const setFilter = (change: { [K in keyof KeyFilter]?: string | undefined }): void =>
    void navigate({ to: '.', search: { ...filter, ...change } as KeyFilter, replace: true });
  const open = ({ id }: VirtualKey): void => void navigate({ to: '/workspace/virtual-keys/$id', params: { id } });
  const create = canWrite && (
    <Button look="primary" icon="plus" onClick={() => setCreating(true)}>
      Make a key
    </Button>
  );

  const shown = filterKeys(all ?? [], filter);
  return (
    <Page title="Virtual keys" text="Who may call which tools and models, and how much." actions={create}>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {all === undefined && error === null && <Skeleton />}
      {all?.length === 0 && (
        <Empty
          icon="key"
          title="No key yet"
          text="Every client calls with a key. What a key is not granted, its client does not see."
        />
      )}
      {all !== undefined && all.length > 0 && (
        <>
          <div className="flex flex-wrap items-center gap-2" role="search">
            <FindText label="Search keys, teams and servers" value={filter.q} onValue={(q) => setFilter({ q })} />
            <PickOne label="State" value={filter.state} options={STATES} onValue={(state) => setFilter({ state })} />
          </div>
          <Table
            label="Virtual keys"
            rows={shown}
            columns={COLUMNS}
            rowKey={({ id }) => id}
            onOpen={open}
            rowHeight={52}
            sort={parseSort(filter.sort)}
            onSort={(sort) => setFilter({ sort: writeSort(sort) })}
          />
          {shown.length === 0 && (
            <Empty
              icon="search"
              title="No key matches"
              text="Try fewer words, or look at all of them."
              action={<Button onClick={() => void navigate({ to: '.', search: {} })}>Clear the filters</Button>}
            />
          )}
        </>
      )}
      {isCreating && <CreateKey onClose={() => setCreating(false)} onCreated={setCreated} />}
      {created !== undefined && (
        <RevealedKey virtualKey={created} onClose={() => [setCreated(undefined), open(created)]} />
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<VirtualKey>[] = [
  {
    id: 'name',
    title: 'Name',
    sortBy: ({ name }) => name,
    cell: ({ id, name }) => (
      <Link to="/workspace/virtual-keys/$id" params={{ id }} className="font-medium hover:underline">
        {name}
      </Link>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'w-28',
    sortBy: stateOf,
    cell: (key) => <KeyStateBadge virtualKey={key} />,
  },
  {
    id: 'owner',
    title: 'Belongs to',
    from: 'md',
    width: 'w-44',
    sortBy: ({ team, customer }) => team?.name ?? customer?.name ?? '',
    cell: ({ team, customer }) => team?.name ?? customer?.name ?? <span className="text-muted">nobody</span>,
  },
  {
    id: 'servers',
    title: 'Servers',
    from: 'lg',
    width: 'w-24',
    align: 'right',
    sortBy: ({ mcp_configs }) => mcp_configs.length,
    cell: ({ mcp_configs }) => mcp_configs.length,
  },
  {
    id: 'models',
    title: 'Providers',
    from: 'lg',
    width: 'w-28',
    align: 'right',
    sortBy: ({ provider_configs }) => provider_configs.length,
    cell: (key) => (key.allow_all_providers ? <Badge tone="accent">all</Badge> : key.provider_configs.length),
  },
  {
    id: 'budget',
    title: 'Budget',
    from: 'md',
    width: 'w-64',
    sortBy: ({ budgets }) => Math.max(0, ...budgets.map((b) => b.current_usage / Math.max(b.max_limit, 1e-9))),
    cell: ({ budgets: [first] }) =>
      first === undefined ? <span className="text-muted">unbounded</span> : <BudgetBar budget={first} isShort />,
  },
];
