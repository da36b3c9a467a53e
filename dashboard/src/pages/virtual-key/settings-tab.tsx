import { useQuery } from '@tanstack/react-query';
import { customersQuery, teamsQuery } from '../../data/owners.ts';
import { Field, Input } from '../../ui/field.tsx';
import { Section } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/switch.tsx';
import { localText } from '../../ui/time-range.tsx';
import type { KeyTabProps } from './draft.ts';

/** Name, owner and end of a key. */
export function SettingsTab({ form: { draft, set, errorAt }, isDisabled }: KeyTabProps) {
  const { data: teams = [] } = useQuery(teamsQuery);
  const { data: customers = [] } = useQuery(customersQuery);
  const owners = [
    ['team_id', 'Team', teams],
    ['customer_id', 'Customer', customers],
  ] as const;
  return (
    <Section title="Settings">
      <div className="grid items-start gap-4 md:grid-cols-2">
        <Field label="Name" error={errorAt('name')}>
          <Input value={draft.name} disabled={isDisabled} onText={(text) => set('name', text)} />
        </Field>
        <Field label="Description" error={errorAt('description')}>
          <Input value={draft.description} disabled={isDisabled} onText={(text) => set('description', text)} />
        </Field>
        {owners.map(([field, label, all]) => (
          <Field key={field} label={label} error={errorAt(field)}>
            <Select
              value={draft[field]}
              disabled={isDisabled}
              options={[{ value: '', label: 'None' }, ...all.map(({ id, name }) => ({ value: id, label: name }))]}
              onValue={(id) => set(field, id)}
            />
          </Field>
        ))}
        <Field label="Expires" hint="Empty: never. In the time of this place." error={errorAt('expires_at')}>
          <Input
            type="datetime-local"
            value={draft.expires_at === '' ? '' : localText(draft.expires_at)}
            disabled={isDisabled}
            onText={(text) => set('expires_at', text === '' ? '' : new Date(text).toISOString())}
          />
        </Field>
        <Switch
          label="Active"
          hint="Off: every call with this key is refused."
          isOn={draft.is_active}
          disabled={isDisabled}
          onSwitch={(isOn) => set('is_active', isOn)}
        />
      </div>
    </Section>
  );
}
