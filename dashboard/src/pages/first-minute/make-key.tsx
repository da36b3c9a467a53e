import { useQueryClient } from '@tanstack/react-query';
import type { McpClientView } from '../../../../src/contract/mcp-client.ts';
import { keys } from '../../data/keys.ts';
import { createVirtualKey, type VirtualKey } from '../../data/virtual-keys.ts';
import { Button } from '../../ui/button.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { useForm } from '../../ui/form.ts';
import { Problem } from '../../ui/states.tsx';

const SUGGESTED = { name: 'my-client' };

interface MakeKeyProps {
  readonly servers: readonly McpClientView[];
  readonly virtualKeys: readonly VirtualKey[];
}

/** Makes a virtual key that may call all allowed tools of the servers there are. */
export function MakeKey({ servers, virtualKeys }: MakeKeyProps) {
  const queries = useQueryClient();
  const form = useForm(SUGGESTED);
  const [virtualKey] = virtualKeys;
  if (virtualKey !== undefined) {
    return (
      <p className="text-muted">
        {virtualKeys.length === 1 ? (
          <>
            The key <strong className="font-medium text-ink">{virtualKey.name}</strong> is there.
          </>
        ) : (
          `${virtualKeys.length} keys are there.`
        )}{' '}
        A client calls with a key: what the key is not granted, the client does not see.
      </p>
    );
  }

  async function make(): Promise<void> {
    await form.save(async () => {
      await createVirtualKey({
        name: form.draft.name,
        mcp_configs: servers.map(({ config }) => ({ mcp_client_name: config.name, tools_to_execute: ['*'] })),
      });
      await Promise.all([
        queries.invalidateQueries({ queryKey: keys.virtualKeys }),
        queries.invalidateQueries({ queryKey: keys.servers }),
      ]);
    });
  }

  return (
    <form
      className="flex flex-wrap items-end gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <div className="w-64 max-sm:w-full">
        <Field label="Name of the key" error={form.errorAt('name')}>
          <Input value={form.draft.name} onText={(text) => form.set('name', text)} required />
        </Field>
      </div>
      <Button type="submit" look="primary" isBusy={form.isSaving}>
        Make the key
      </Button>
      <p className="w-full text-sm text-muted">
        It may call every allowed tool of {servers.map(({ config }) => config.name).join(', ')}. Budgets and limits can
        come later.
      </p>
      {form.error !== undefined && form.errorAt('name') === undefined && <Problem error={form.error} />}
    </form>
  );
}
