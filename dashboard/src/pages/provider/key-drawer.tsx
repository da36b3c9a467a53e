import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ProviderKeyView, ProviderView } from '../../../../src/contract/provider.ts';
import { keys } from '../../data/keys.ts';
import { createProviderKey, removeProviderKey, updateProviderKey } from '../../data/providers.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm, Drawer } from '../../ui/dialog.tsx';
import { useForm } from '../../ui/form.ts';
import { Problem } from '../../ui/states.tsx';
import { useToast } from '../../ui/toast.tsx';
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
  const toast = useToast();
  const { canWrite } = useSession();
  const [isDeleting, setDeleting] = useState(false);
  const form = useForm(keyDraftOf(stored));
  const isShown = KEY_FIELDS.some((field) => form.errorAt(field) !== undefined);
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.providers });

  async function save(): Promise<void> {
    const isSaved = await form.save(async (changes) => {
      await (stored === undefined
        ? createProviderKey(provider.name, { ...keyBody(changes), name: form.draft.name })
        : updateProviderKey(provider.name, stored.id, keyBody(changes)));
      await refresh();
    });
    if (!isSaved) return;
    toast.done(`The key ${form.draft.name} is saved.`);
    onClose();
  }

  return (
    <Drawer
      isOpen
      onClose={onClose}
      title={stored?.name ?? 'Add a key'}
      actions={
        canWrite && (
          <>
            {stored !== undefined && (
              <Button icon="trash" look="danger" onClick={() => setDeleting(true)}>
                Delete
              </Button>
            )}
            <Button look="primary" isBusy={form.isSaving} onClick={() => void save()}>
              Save
            </Button>
          </>
        )
      }
    >
      <div className="flex flex-col gap-4">
        {stored !== undefined && stored.status !== '' && <p className="text-sm text-bad">{stored.status}</p>}
        <KeyFields form={form} cloud={cloudOf(provider)} isDisabled={!canWrite} />
        {form.error !== undefined && !isShown && <Problem error={form.error} />}
      </div>
      {stored !== undefined && (
        <Confirm
          isOpen={isDeleting}
          onClose={() => setDeleting(false)}
          title={`Delete the key "${stored.name}"?`}
          text="Virtual keys that name it can no longer use it."
          verb="Delete"
          onConfirm={async () => {
            await removeProviderKey(provider.name, stored.id);
            await refresh();
            toast.done(`The key ${stored.name} is deleted.`);
            onClose();
          }}
        />
      )}
    </Drawer>
  );
}
