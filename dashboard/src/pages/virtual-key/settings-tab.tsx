import { useQuery } from '@tanstack/react-query';
import { customersQuery, teamsQuery } from '../../data/owners.ts';
import { Field, Input } from '../../ui/field.tsx';
import { FormSelect, FormSwitch, FormText } from '../../ui/form-fields.tsx';
import { Section } from '../../ui/page.tsx';
import { localText } from '../../ui/time-range.tsx';
import type { KeyTabProps } from './draft.ts';

/** Name, owner and end of a key. */
export function SettingsTab({ form, isDisabled }: KeyTabProps) {
  const { data: teams = [] } = useQuery(teamsQuery);
  const { data: customers = [] } = useQuery(customersQuery);
  const { draft, set, errorAt } = form;
  const bound = { form, disabled: isDisabled };
  return (
    <Section title="Settings">
      <div className="grid items-start gap-4 md:grid-cols-2">
        <FormText {...bound} field="name" label="Name" />
        <FormText {...bound} field="description" label="Description" />
        <FormSelect {...bound} field="team_id" label="Team" options={ownersOf(teams)} />
        <FormSelect {...bound} field="customer_id" label="Customer" options={ownersOf(customers)} />
        <Field label="Expires" hint="Empty: never. In the time of this place." error={errorAt('expires_at')}>
          <Input
            type="datetime-local"
            value={draft.expires_at === '' ? '' : localText(draft.expires_at)}
            disabled={isDisabled}
            onText={(text) => set('expires_at', text === '' ? '' : new Date(text).toISOString())}
          />
        </Field>
        <FormSwitch {...bound} field="is_active" label="Active" hint="Off: every call with this key is refused." />
      </div>
    </Section>
  );
}

function ownersOf(all: readonly { readonly id: string; readonly name: string }[]) {
  return [{ value: '', label: 'None' }, ...all.map(({ id, name }) => ({ value: id, label: name }))];
}
