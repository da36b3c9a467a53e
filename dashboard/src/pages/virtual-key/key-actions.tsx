import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '../../data/keys.ts';
import { removeVirtualKey, rotateVirtualKey, updateVirtualKey, type VirtualKey } from '../../data/virtual-keys.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { useToast } from '../../ui/toast.tsx';
import { RevealedKey } from './revealed-key.tsx';

/** What is done to a key at once: rotate, switch off and on, delete. */
export function KeyActions({ virtualKey }: { virtualKey: VirtualKey }) {
  const { id, name, is_active } = virtualKey;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const [asks, setAsks] = useState<'rotate' | 'delete'>();
  const [rotated, setRotated] = useState<VirtualKey>();
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.virtualKeys });

  async function toggle(): Promise<void> {
    try {
      await updateVirtualKey(id, { is_active: !is_active });
      toast.done(`${name} is ${is_active ? 'off' : 'on'}.`);
    } catch (error) {
      toast.failed(error);
    }
    await refresh();
  }

  return (
    <>
      <Button onClick={() => void toggle()}>{is_active ? 'Deactivate' : 'Activate'}</Button>
      <Button icon="refresh" onClick={() => setAsks('rotate')}>
        Rotate
      </Button>
      <Button icon="trash" look="danger" onClick={() => setAsks('delete')}>
        Delete
      </Button>
      <Confirm
        isOpen={asks === 'rotate'}
        onClose={() => setAsks(undefined)}
        title={`Give "${name}" a new value?`}
        text="Its grants, budgets and limits stay. The former value works on for as long as vk_rotation_cooldown of the settings says: not at all when it is 0."
        verb="Rotate"
        onConfirm={async () => {
          setRotated(await rotateVirtualKey(id));
          await refresh();
        }}
      />
      <Confirm
        isOpen={asks === 'delete'}
        onClose={() => setAsks(undefined)}
        title={`Delete "${name}"?`}
        text="It stops working at once, and its grants, budgets and limits are gone. Its logs stay."
        verb="Delete"
        onConfirm={async () => {
          await removeVirtualKey(id);
          toast.done(`${name} is deleted.`);
          await navigate({ to: '/workspace/virtual-keys', ignoreBlocker: true });
          await refresh();
        }}
      />
      {rotated !== undefined && <RevealedKey virtualKey={rotated} onClose={() => setRotated(undefined)} />}
    </>
  );
}
