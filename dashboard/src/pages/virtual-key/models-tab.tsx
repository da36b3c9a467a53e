import { useQuery } from '@tanstack/react-query';
import { providersQuery } from '../../data/providers.ts';
import { IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { Section } from '../../ui/page.tsx';
import { Problem } from '../../ui/states.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Lines } from '../limits/lines.tsx';
import type { KeyTabProps, ProviderGrant } from './draft.ts';

const NEW = { weight: null, allowed_models: ['*'], blacklisted_models: [], key_ids: ['*'] };

/** Which providers and models a key may ask. */
export function ModelsTab({ form: { draft, set, errorAt }, isDisabled }: KeyTabProps) {
  const { data: providers = [], error } = useQuery(providersQuery);
  const granted = new Set(draft.provider_configs.map(({ provider }) => provider));
  return (
    <Section title="Providers and models" text="What is not allowed is denied.">
      <Switch
        label="All providers"
        hint="Also those without an entry below, with all their models and keys."
        isOn={draft.allow_all_providers}
        disabled={isDisabled}
        onSwitch={(isOn) => set('allow_all_providers', isOn)}
      />
      {draft.provider_configs.map((entry, index) => (
        <Entry
          key={entry.provider}
          entry={entry}
          isDisabled={isDisabled}
          fault={(field) => errorAt(`provider_configs[${index}].${field}`)}
          onEntry={(next) => set('provider_configs', draft.provider_configs.with(index, next))}
          onRemove={() => set('provider_configs', draft.provider_configs.toSpliced(index, 1))}
        />
      ))}
      {error !== null && <Problem error={error} />}
      <Field
        label="Allow a provider"
        hint={providers.length === 0 ? 'There is no provider yet.' : undefined}
        error={errorAt('provider_configs')}
      >
        <Combobox
          value=""
          placeholder="Search providers"
          disabled={isDisabled}
          options={providers.filter(({ name }) => !granted.has(name)).map(({ name }) => ({ value: name, label: name }))}
          onValue={(provider) =>
            provider !== '' && set('provider_configs', [...draft.provider_configs, { provider, ...NEW }])
          }
        />
      </Field>
    </Section>
  );
}

interface EntryProps {
  readonly entry: ProviderGrant;
  readonly isDisabled: boolean;
  readonly fault: (field: string) => string | undefined;
  readonly onEntry: (entry: ProviderGrant) => void;
  readonly onRemove: () => void;
}

function Entry({ entry, isDisabled, fault, onEntry, onRemove }: EntryProps) {
  const lists = [
    ['allowed_models', 'Allowed models', 'One a line; * means all, nothing means none; "regex:…" matches whole names.'],
    ['blacklisted_models', 'Refused models', 'Whatever is allowed.'],
    ['key_ids', 'Keys of the provider', 'Ids, one a line; * means all of them.'],
  ] as const;
  return (
    <div role="group" aria-label={entry.provider} className="flex flex-col gap-3 rounded-md border p-3">
      <div className="flex items-center gap-2">
        <h3 className="min-w-0 flex-1 truncate font-medium">{entry.provider}</h3>
        <IconButton icon="trash" label={`Take away ${entry.provider}`} disabled={isDisabled} onClick={onRemove} />
      </div>
      <div className="grid items-start gap-3 md:grid-cols-2">
        {lists.map(([field, label, hint]) => (
          <Lines
            key={field}
            label={label}
            hint={hint}
            error={fault(field)}
            value={entry[field]}
            disabled={isDisabled}
            onValue={(value) => onEntry({ ...entry, [field]: value })}
          />
        ))}
        <Field
          label="Weight"
          hint="Its share when a request names no provider; empty: never chosen by itself."
          error={fault('weight')}
        >
          <Input
            type="number"
            min={0}
            step="any"
            value={entry.weight ?? ''}
            disabled={isDisabled}
            onText={(text) => onEntry({ ...entry, weight: text === '' ? null : Number(text) })}
          />
        </Field>
      </div>
    </div>
  );
}
