import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { CustomerView, TeamView } from '../../../../src/contract/governance.ts';
import { keys } from '../../data/keys.ts';
import { createOwner, customersQuery, removeOwner, updateOwner, type OwnerKind } from '../../data/owners.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm, Drawer } from '../../ui/dialog.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { useForm } from '../../ui/form.ts';
import { Select } from '../../ui/select.tsx';
import { Problem } from '../../ui/states.tsx';
import { useToast } from '../../ui/toast.tsx';
import { limitsDraftOf, limitsUpdate, type LimitsDraft } from '../limits/limits-draft.ts';
import { LimitsEditor } from '../limits/limits-editor.tsx';

/** A team or a customer. */
export type Owner = Omit<CustomerView, 'teams'> & Partial<Pick<TeamView, 'customer' | 'customer_id'>>;

interface OwnerDraft extends LimitsDraft {
  readonly name: string;
  readonly customer_id: string;
}

interface OwnerDrawerProps {
  readonly kind: OwnerKind;
  /** Undefined for a new one. */
  readonly owner: Owner | undefined;
  readonly onClose: () => void;
}

/** One team or customer: its name, its limits, and its keys. */
export function OwnerDrawer({ kind, owner, onClose }: OwnerDrawerProps) {
  const word = kind === 'teams' ? 'team' : 'customer';
  const queries = useQueryClient();
  const toast = useToast();
  const { canWrite } = useSession();
  const { data: customers = [] } = useQuery(customersQuery);
  const [isDeleting, setDeleting] = useState(false);
  const form = useForm<OwnerDraft>({
    name: owner?.name ?? '',
    customer_id: owner?.customer_id ?? '',
    ...limitsDraftOf(owner ?? { budgets: [] }),
  });
  const { draft, set, errorAt, error } = form;
  const isShown = ['name', 'customer_id', 'budgets', 'rate_limit'].some((field) => errorAt(field) !== undefined);
  const refresh = (): Promise<unknown> =>
    Promise.all([keys.owners, keys.virtualKeys].map((queryKey) => queries.invalidateQueries({ queryKey })));

  async function save(): Promise<void> {
    const isSaved = await form.save(async ({ budgets, rate_limit, ...plain }) => {
      const body = { ...plain, ...limitsUpdate({ ...(budgets && { budgets }), ...(rate_limit && { rate_limit }) }) };
      await (owner === undefined
        ? createOwner(kind, { ...body, name: draft.name })
        : updateOwner(kind, owner.id, body));
      await refresh();
    });
    if (!isSaved) return;
    toast.done(`${draft.name} is saved.`);
    onClose();
  }

  return (
    <Drawer
      isOpen
      onClose={onClose}
      title={owner?.name ?? `Add a ${word}`}
      actions={
        canWrite && (
          <>
            {owner !== undefined && (
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
        <Field label="Name" error={errorAt('name')}>
          <Input value={draft.name} disabled={!canWrite} onText={(text) => set('name', text)} />
        </Field>
        {kind === 'teams' && (
          <Field label="Customer" error={errorAt('customer_id')}>
            <Select
              value={draft.customer_id}
              disabled={!canWrite}
              options={[{ value: '', label: 'None' }, ...customers.map(({ id, name }) => ({ value: id, label: name }))]}
              onValue={(id) => set('customer_id', id)}
            />
          </Field>
        )}
        <LimitsEditor form={form} stored={owner ?? { budgets: [] }} isDisabled={!canWrite} />
        {owner !== undefined && <Keys owner={owner} />}
        {error !== undefined && !isShown && <Problem error={error} />}
      </div>
      {owner !== undefined && (
        <Confirm
          isOpen={isDeleting}
          onClose={() => setDeleting(false)}
          title={`Delete "${owner.name}"?`}
          text={`Its budgets and limits are gone. Its keys stay, without a ${word}.`}
          verb="Delete"
          onConfirm={async () => {
            await removeOwner(kind, owner.id);
            await refresh();
            toast.done(`${owner.name} is deleted.`);
            onClose();
          }}
        />
      )}
    </Drawer>
  );
}

function Keys({ owner: { virtual_keys } }: { owner: Owner }) {
  return (
    <div className="border-t pt-4">
      <h3 className="mb-1 text-sm font-medium">Keys</h3>
      {virtual_keys.length === 0 && <p className="text-sm text-muted">None. A key's settings say whose it is.</p>}
      <ul className="flex flex-wrap gap-x-4 gap-y-1">
        {virtual_keys.map(({ id, name }) => (
          <li key={id}>
            <Link to="/workspace/virtual-keys/$id" params={{ id }} className="text-accent hover:underline">
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
