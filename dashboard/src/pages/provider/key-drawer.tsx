import { useQueryClient } from '@tanstack/react-query';
import type { ProviderKeyView, ProviderView } from '../../../../src/contract/provider.ts';
import { keys } from '../../data/keys.ts';
import { createProviderKey, removeProviderKey, updateProviderKey } from '../../data/providers.ts';
import { useSession } from '../../shell/session-context.tsx';
import { FormDrawer } from '../../ui/form-drawer.tsx';
import { useForm } from '../../ui/form.ts';
import { cloudOf, KEY_FIELDS, keyBody, keyDraftOf } from './key-draft.ts';
import { KeyFields } from './key-fields.tsx';

interface KeyDrawerProps {
  readonly provider: ProviderView;
  /** Undefined for a new one. */
  readonly stored: ProviderKeyView | undefined;
  readonly onClose: () => void;
}

/** One key of a provider. */
export function KeyDrawer({ provider, stored, onClose }: KeyDrawerProps) {
  const queries = useQueryClient();
  const { canWrite } = useSession();
  const form = useForm(keyDraftOf(stored));
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.providers });
  return (
    <FormDrawer
      form={form}
      title={stored?.name ?? 'Add a key'}
      name={stored?.name ?? form.draft.name}
      fields={KEY_FIELDS}
      isDisabled={!canWrite}
      onClose={onClose}
      onSave={async (changes) => {
        await (stored === undefined
          ? createProviderKey(provider.name, { ...keyBody(changes), name: form.draft.name })
          : updateProviderKey(provider.name, stored.id, keyBody(changes)));
        await refresh();
      }}
      removal={
        stored && {
          text: 'Virtual keys that name it can no longer use it.',
          run: async () => {
            await removeProviderKey(provider.name, stored.id);
            await refresh();
          },
        }
      }
    >
      {stored !== undefined && stored.status !== '' && <p className="text-sm text-bad">{stored.status}</p>}
      <KeyFields form={form} provider={provider.name} cloud={cloudOf(provider)} isDisabled={!canWrite} />
    </FormDrawer>
  );
}
