import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ApiKeyScope } from '../../../../src/contract/api-key.ts';
import { apiKeysQuery, createApiKey, deleteApiKey, type ApiKey } from '../../data/accounts.ts';
import { keys } from '../../data/keys.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { useForm } from '../../ui/form.ts';
import { Problem, Skeleton } from '../../ui/states.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Table, type Column } from '../../ui/table.tsx';
import { timeText } from '../server-words.tsx';

const SCOPES: Readonly<Record<ApiKeyScope, string>> = {
  read: 'Read the management API',
  write: 'Change things',
  mcp: 'Use /mcp and /v1 as the operator',
  admin: 'Manage accounts, API keys and who may sign in',
};

/** The keys of the management API. */
export function ApiKeysTab() {
  const { data, error, refetch } = useQuery(apiKeysQuery);
  const [isAdding, setAdding] = useState(false);
  const [revoked, setRevoked] = useState<ApiKey>();
  const queries = useQueryClient();
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 flex-1 text-sm text-muted">For scripts and tools that use the management API.</p>
        <Button look="primary" icon="plus" onClick={() => setAdding(true)}>
          Create a key
        </Button>
      </div>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton />}
      {data !== undefined && (
        <Table label="API keys" rows={data} columns={columnsOf(setRevoked)} rowKey={({ id }) => String(id)} />
      )}
      {isAdding && <AddKey onClose={() => setAdding(false)} />}
      <Confirm
        isOpen={revoked !== undefined}
        onClose={() => setRevoked(undefined)}
        title={`Revoke "${revoked?.name ?? ''}"?`}
        text="Whatever uses this key is refused from now on. It cannot be brought back."
        verb="Revoke"
        onConfirm={async () => {
          if (revoked !== undefined) await deleteApiKey(revoked.id);
          await queries.invalidateQueries({ queryKey: keys.apiKeys });
        }}
      />
    </div>
  );
}

function columnsOf(onRevoke: (key: ApiKey) => void): readonly Column<ApiKey>[] {
  return [
    { id: 'name', title: 'Name', cell: ({ name }) => <span className="font-medium">{name}</span> },
    {
      id: 'prefix',
      title: 'Begins with',
      from: 'md',
      width: 'w-36',
      cell: ({ key_prefix }) => <span className="font-mono text-xs">{key_prefix}…</span>,
    },
    { id: 'scopes', title: 'May', from: 'md', width: 'w-52', cell: ({ scopes }) => scopes.join(', ') },
    {
      id: 'used',
      title: 'Last used',
      width: 'w-32',
      cell: ({ last_used_at }) => (last_used_at === null ? 'never' : timeText(last_used_at)),
    },
    {
      id: 'expires',
      title: 'Ends',
      from: 'lg',
      width: 'w-36',
      cell: ({ expires_at }) => (expires_at === null ? 'never' : new Date(expires_at).toLocaleDateString()),
    },
    {
      id: 'revoke',
      title: '',
      width: 'w-16',
      cell: (key) => <IconButton icon="trash" label={`Revoke ${key.name}`} onClick={() => onRevoke(key)} />,
    },
  ];
}

function AddKey({ onClose }: { onClose: () => void }) {
  const form = useForm({ name: '', scopes: ['read', 'write'] as readonly ApiKeyScope[], expires: '' });
  const [value, setValue] = useState<string>();
  const queries = useQueryClient();
  const { name, scopes, expires } = form.draft;

  async function create(): Promise<void> {
    await form.save(async () => {
      const ends = expires === '' ? {} : { expires_at: new Date(expires).toISOString() };
      setValue(await createApiKey({ name, scopes: [...scopes], ...ends }));
      await queries.invalidateQueries({ queryKey: keys.apiKeys });
    });
  }
  if (value !== undefined) {
    return (
      <Dialog isOpen onClose={onClose} title="The key is made" actions={<Button onClick={onClose}>Done</Button>}>
        <p className="pb-2">Copy it now: it is shown this once and never again.</p>
        <CodeBlock text={value} label="API key" />
      </Dialog>
    );
  }
  return (
    <FormDialog
      form={form}
      title="Create an API key"
      verb="Create"
      fields={['name', 'expires_at']}
      onClose={onClose}
      onSubmit={create}
    >
      <Field label="Name" error={form.errorAt('name')}>
        <Input value={name} onText={(text) => form.set('name', text)} />
      </Field>
      {Object.entries(SCOPES).map(([scope, label]) => (
        <Switch
          key={scope}
          label={label}
          isOn={scopes.some((one) => one === scope)}
          onSwitch={(isOn) =>
            form.set('scopes', isOn ? [...scopes, scope as ApiKeyScope] : scopes.filter((one) => one !== scope))
          }
        />
      ))}
      <Field label="Ends" hint="Empty: never." error={form.errorAt('expires_at')}>
        <Input type="datetime-local" value={expires} onText={(text) => form.set('expires', text)} />
      </Field>
    </FormDialog>
  );
}
