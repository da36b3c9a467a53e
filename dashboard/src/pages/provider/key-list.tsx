import { useState } from 'react';
import type { ProviderKeyView, ProviderView } from '../../../../src/contract/provider.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Section } from '../../ui/page.tsx';
import { Table, type Column } from '../../ui/table.tsx';
import { useRow } from '../../ui/use-row.ts';
import { secretText } from '../server/draft.ts';
import { KeyDrawer } from './key-drawer.tsx';

/** The keys of a provider; requests are shared among them by weight. */
export function KeyList({ provider }: { provider: ProviderView }) {
  const { canWrite } = useSession();
  const [opened, setOpened] = useState<string>();
  const stored = useRow(provider.keys, opened);
  return (
    <Section title="Keys" text="Requests are shared among the keys by their weight. Values are never shown.">
      {provider.keys.length > 0 && (
        <Table
          label="Keys"
          rows={provider.keys}
          columns={COLUMNS}
          rowKey={({ id }) => id}
          onOpen={({ id }) => setOpened(id)}
        />
      )}
      {canWrite && (
        <div>
          <Button icon="plus" onClick={() => setOpened('')}>
            Add a key
          </Button>
        </div>
      )}
      {(opened === '' || stored !== undefined) && (
        <KeyDrawer key={opened} provider={provider} stored={stored} onClose={() => setOpened(undefined)} />
      )}
    </Section>
  );
}

const COLUMNS: readonly Column<ProviderKeyView>[] = [
  { id: 'name', title: 'Name', cell: ({ name }) => <span className="font-medium">{name}</span> },
  {
    id: 'state',
    title: 'State',
    width: 'w-28',
    cell: ({ enabled, status }) =>
      status !== '' ? (
        <Badge tone="bad">unusable</Badge>
      ) : (
        <Badge tone={enabled ? 'good' : 'plain'}>{enabled ? 'on' : 'off'}</Badge>
      ),
  },
  {
    id: 'value',
    title: 'Value',
    from: 'md',
    cell: ({ value }) => <span className="font-mono text-sm">{secretText(value)}</span>,
  },
  {
    id: 'models',
    title: 'Models',
    from: 'lg',
    width: 'w-48',
    cell: ({ models }) => (models.includes('*') ? 'all' : models.length === 0 ? 'none' : models.join(', ')),
  },
  { id: 'weight', title: 'Weight', width: 'w-20', align: 'right', cell: ({ weight }) => weight },
];
