import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { pricesQuery, type Price } from '../data/prices.ts';
import { usdText } from '../numbers.ts';
import { useSession } from '../shell/session-context.tsx';
import { Button } from '../ui/button.tsx';
import { Fetched } from '../ui/fetched.tsx';
import { Page } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { useRow } from '../ui/use-row.ts';
import { PriceDrawer } from './prices/price-drawer.tsx';

/** What models cost by the operator's own word, where the price sheet is wrong or knows nothing. */
export function PricesPage() {
  const query = useQuery(pricesQuery);
  const { canWrite } = useSession();
  const [opened, setOpened] = useState<string>();
  const stored = useRow(query.data, opened);
  return (
    <Page
      title="Model prices"
      text="Your own prices beat the price sheet of the gateway; of two that match, the more exact one counts."
      actions={
        canWrite && (
          <Button look="primary" icon="plus" onClick={() => setOpened('')}>
            Add a price
          </Button>
        )
      }
    >
      <Fetched query={query}>
        {(prices) =>
          prices.length === 0 ? (
            <Empty
              icon="chart"
              title="No price of your own"
              text="Models cost what the price sheet says. Add a price for a model that it does not know, or that costs you something else."
            />
          ) : (
            <Table
              label="Prices"
              rows={prices}
              columns={COLUMNS}
              rowKey={({ id }) => id}
              onOpen={({ id }) => setOpened(id)}
            />
          )
        }
      </Fetched>
      {(opened === '' || stored !== undefined) && (
        <PriceDrawer key={opened} stored={stored} onClose={() => setOpened(undefined)} />
      )}
    </Page>
  );
}

const usdColumn = (id: 'input' | 'output', title: string): Column<Price> => ({
  ...{ id, title, width: 'w-24 md:w-36', align: 'right' },
  sortBy: ({ patch }) => patch[id],
  cell: ({ patch }) => <span className="tabular-nums">{usdText(patch[id])}</span>,
});

const COLUMNS: readonly Column<Price>[] = [
  {
    id: 'name',
    title: 'Name',
    sortBy: ({ name }) => name,
    cell: ({ name }) => <span className="font-medium">{name}</span>,
  },
  {
    id: 'pattern',
    title: 'Models',
    from: 'md',
    sortBy: ({ pattern }) => pattern,
    cell: ({ pattern }) => <span className="font-mono text-sm">{pattern}</span>,
  },
  {
    id: 'provider',
    title: 'Provider',
    from: 'lg',
    width: 'w-32',
    cell: ({ provider_id }) => provider_id ?? <span className="text-muted">all</span>,
  },
  usdColumn('input', 'In, per million'),
  usdColumn('output', 'Out, per million'),
];
