import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { AuditEntry } from '../../../data/audit.ts';
import { useSession } from '../../../shell/session-context.tsx';
import { Button } from '../../../ui/button.tsx';
import { Dialog } from '../../../ui/dialog.tsx';
import { Fetched } from '../../../ui/fetched.tsx';
import { Problem } from '../../../ui/states.tsx';
import { useToast } from '../../../ui/toast.tsx';
import { Differences } from '../differences.tsx';
import { planOf, type Undoing } from './undoable.ts';

/** The button that takes a change back, where that can be done. */
export function Undo({ entry, onDone }: { entry: AuditEntry; onDone: () => void }) {
  const { canWrite } = useSession();
  const [isAsking, setAsking] = useState(false);
  if (!canWrite || planOf(entry) === undefined) return null;
  return (
    <>
      <Button icon="undo" onClick={() => setAsking(true)}>
        Undo
      </Button>
      {isAsking && <UndoDialog entry={entry} onClose={() => setAsking(false)} onDone={onDone} />}
    </>
  );
}

interface UndoDialogProps {
  readonly entry: AuditEntry;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function UndoDialog({ entry, onClose, onDone }: UndoDialogProps) {
  const queries = useQueryClient();
  const toast = useToast();
  const query = useQuery({
    queryKey: ['undo', entry.id],
    // What is stored may have changed since it was last asked.
    ...{ staleTime: 0, gcTime: 0 },
    queryFn: () => planOf(entry)?.(entry, queries) ?? Promise.reject(new Error('This cannot be undone.')),
  });
  const undo = useMutation({
    mutationFn: async ({ run }: Undoing) => run(),
    async onSuccess() {
      toast.done(`The change of ${entry.entity_name} is undone.`);
      onClose();
      onDone();
      await queries.invalidateQueries();
    },
  });
  const plan = query.data;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Undo this change of "${entry.entity_name}"?`}
      description="The former values are sent as a change of their own, which the audit shows as well."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            isBusy={undo.isPending}
            disabled={plan === undefined || plan.differences.length === 0}
            onClick={() => plan && undo.mutate(plan)}
          >
            Undo
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Fetched query={query} rows={3}>
          {({ differences, left }) => (
            <>
              <Differences
                title="Now, and then"
                words={['now', 'then']}
                differences={differences}
                absent="There is nothing to send: what can be restored is already as it was."
              />
              {left.length > 0 && (
                <p className="rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
                  Stays as it is: {left.join(', ')}. The audit keeps no secrets, so they cannot be restored.
                </p>
              )}
            </>
          )}
        </Fetched>
        {undo.error !== null && <Problem error={undo.error} />}
      </div>
    </Dialog>
  );
}
