import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { ProviderView } from '../../../src/contract/provider.ts';
import { providersQuery } from '../data/providers.ts';
import { useSession } from '../shell/session-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Fetched } from '../ui/fetched.tsx';
import { Page } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';
import { Table, type Column } from '../ui/table.tsx';
import { AddProvider } from './provider/add-provider.tsx';
import { providerWord } from './provider/built-in.ts';

/** The providers of models that the gateway asks. */
export function ProvidersPage() {
  const query = useQuery(providersQuery);
  const navigate = useNavigate();
  const { canWrite } = useSession();
  const [isAdding, setAdding] = useState(false);
  const open = (name: string): void => void navigate({ to: '/workspace/providers/$name', params: { name } });
  const add = canWrite && (
    <Button look="primary" icon="plus" onClick={() => setAdding(true)}>
      Add a provider
    </Button>
  );
  return (
    <Page title="Providers" text="Who is asked for models, and with which keys." actions={add}>
      <Fetched query={query}>
        {(providers) =>
          providers.length === 0 ? (
            <Empty
              icon="model"
              title="No provider yet"
              text="Add one with its key; then a virtual key's page says which of its models the key may ask."
            />
          ) : (
            <Table
              label="Providers"
              rows={providers}
              columns={COLUMNS}
              rowKey={({ name }) => name}
              onOpen={({ name }) => open(name)}
            />
          )
        }
      </Fetched>
      {isAdding && <AddProvider onClose={() => setAdding(false)} onAdded={open} />}
    </Page>
  );
}

/** Whether a provider can be used; why not stands on its page. */
export function ProviderBadge({ provider }: { provider: ProviderView }) {
  if (provider.provider_status === 'error') return <Badge tone="bad">error</Badge>;
  const needsKey = provider.custom_provider_config?.is_key_less !== true;
  if (needsKey && !provider.keys.some(({ enabled, status }) => enabled && status === '')) {
    return <Badge tone="warn">no usable key</Badge>;
  }
  return <Badge tone="good">active</Badge>;
}

const COLUMNS: readonly Column<ProviderView>[] = [
  {
    id: 'name',
    title: 'Name',
    sortBy: ({ name }) => name,
    cell: ({ name }) => (
      <Link to="/workspace/providers/$name" params={{ name }} className="font-medium hover:underline">
        {providerWord(name)}
      </Link>
    ),
  },
  { id: 'state', title: 'State', width: 'w-36', cell: (provider) => <ProviderBadge provider={provider} /> },
  {
    id: 'kind',
    title: 'Speaks',
    from: 'md',
    width: 'w-44',
    cell: ({ name, custom_provider_config: custom }) => providerWord(custom?.base_provider_type ?? name),
  },
  {
    id: 'address',
    title: 'Address',
    from: 'lg',
    cell: ({ network_config: { base_url } }) =>
      base_url === undefined || base_url === '' ? (
        <span className="text-muted">its public one</span>
      ) : (
        <span className="font-mono text-sm">{base_url}</span>
      ),
  },
  { id: 'keys', title: 'Keys', width: 'w-16', align: 'right', cell: ({ keys }) => keys.length },
];
