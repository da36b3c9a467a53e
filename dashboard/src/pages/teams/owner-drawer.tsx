import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { CustomerView, TeamView } from '../../../../src/contract/governance.ts';
import { keys } from '../../data/keys.ts';
import { createOwner, customersQuery, removeOwner, updateOwner, type OwnerKind } from '../../data/owners.ts';
import { useSession } from '../../shell/session-context.tsx';
import { FormDrawer } from '../../ui/form-drawer.tsx';
import { FormSelect, FormText } from '../../ui/form-fields.tsx';
import { useForm } from '../../ui/form.ts';
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
  const { canWrite } = useSession();
  const { data: customers = [] } = useQuery(customersQuery);
  const form = useForm<OwnerDraft>({
    name: owner?.name ?? '',
    customer_id: owner?.customer_id ?? '',
    ...limitsDraftOf(owner ?? { budgets: [] }),
  });
  const { draft } = form;
  const refresh = (): Promise<unknown> =>
    Promise.all([keys.owners, keys.virtualKeys].map((queryKey) => queries.invalidateQueries({ queryKey })));

  async function save({ budgets, rate_limit, ...plain }: Partial<OwnerDraft>): Promise<void> {
    const body = { ...plain, ...limitsUpdate({ ...(budgets && { budgets }), ...(rate_limit && { rate_limit }) }) };
    await (owner === undefined ? createOwner(kind, { ...body, name: draft.name }) : updateOwner(kind, owner.id, body));
    await refresh();
  }

  return (
    <FormDrawer
      form={form}
      title={owner?.name ?? `Add a ${word}`}
      name={owner?.name ?? draft.name}
      fields={['name', 'customer_id', 'budgets', 'rate_limit']}
      isDisabled={!canWrite}
      onClose={onClose}
      onSave={save}
      removal={
        owner && {
          text: `Its budgets and limits are gone. Its keys stay, without a ${word}.`,
          run: async () => {
            await removeOwner(kind, owner.id);
            await refresh();
          },
        }
      }
    >
      <FormText form={form} field="name" label="Name" disabled={!canWrite} />
      {kind === 'teams' && (
        <FormSelect
          form={form}
          field="customer_id"
          label="Customer"
          disabled={!canWrite}
          options={[{ value: '', label: 'None' }, ...customers.map(({ id, name }) => ({ value: id, label: name }))]}
        />
      )}
      <LimitsEditor form={form} stored={owner ?? { budgets: [] }} isDisabled={!canWrite} />
      {owner !== undefined && <Keys owner={owner} />}
    </FormDrawer>
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
