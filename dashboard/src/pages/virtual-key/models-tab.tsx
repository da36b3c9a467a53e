import { useQuery } from '@tanstack/react-query';
import { providersQuery } from '../../data/providers.ts';
import { Field, Input } from '../../ui/field.tsx';
import { FormSwitch, Lines } from '../../ui/form-fields.tsx';
import { Section } from '../../ui/page.tsx';
import { Problem } from '../../ui/states.tsx';
import { AddModel } from '../grants/add-model.tsx';
import { GrantAnother, Granted } from '../grants/grants.tsx';
import type { KeyTabProps, ProviderGrant } from './draft.ts';
import { PickKeys } from './pick-keys.tsx';

const NEW = { weight: null, allowed_models: ['*'], blacklisted_models: [], key_ids: ['*'] };

/** Which providers and models a key may ask. */
export function ModelsTab({ form, isDisabled }: KeyTabProps) {
  const { draft, set, errorAt } = form;
  const { data: providers = [], error } = useQuery(providersQuery);
  return (
    <Section title="Providers and models" text="What is not allowed is denied.">
      <FormSwitch
        form={form}
        field="allow_all_providers"
        label="All providers"
        hint="Also those without an entry below, with all their models and keys."
        disabled={isDisabled}
      />
      {draft.provider_configs.map((entry, index) => (
        <Granted
          key={entry.provider}
          name={entry.provider}
          removeLabel={`Take away ${entry.provider}`}
          isDisabled={isDisabled}
          onRemove={() => set('provider_configs', draft.provider_configs.toSpliced(index, 1))}
        >
          <Entry
            entry={entry}
            keys={providers.find(({ name }) => name === entry.provider)?.keys ?? []}
            isDisabled={isDisabled}
            fault={(field) => errorAt(`provider_configs[${index}].${field}`)}
            onEntry={(next) => set('provider_configs', draft.provider_configs.with(index, next))}
          />
        </Granted>
      ))}
      {error !== null && <Problem error={error} />}
      <GrantAnother
        label="Allow a provider"
        placeholder="Search providers"
        options={providers.map(({ name }) => ({ value: name, label: name }))}
        granted={draft.provider_configs.map(({ provider }) => provider)}
        none="There is no provider yet."
        error={errorAt('provider_configs')}
        isDisabled={isDisabled}
        onGrant={(provider) => set('provider_configs', [...draft.provider_configs, { provider, ...NEW }])}
      />
    </Section>
  );
}

interface EntryProps {
  readonly entry: ProviderGrant;
  readonly keys: readonly { readonly id: string; readonly name: string }[];
  readonly isDisabled: boolean;
  readonly fault: (field: string) => string | undefined;
  readonly onEntry: (entry: ProviderGrant) => void;
}

const LISTS = [
  ['allowed_models', 'Allowed models', 'One a line; * means all, nothing means none; "regex:…" matches whole names.'],
  ['blacklisted_models', 'Refused models', 'Whatever is allowed.'],
] as const;

function Entry({ entry, keys, isDisabled, fault, onEntry }: EntryProps) {
  return (
    <div className="grid items-start gap-3 md:grid-cols-2">
      {LISTS.map(([field, label, hint]) => (
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
      <AddModel
        provider={entry.provider}
        value={entry.allowed_models}
        isDisabled={isDisabled}
        onValue={(allowed_models) => onEntry({ ...entry, allowed_models })}
      />
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
      <PickKeys
        provider={entry.provider}
        keys={keys}
        value={entry.key_ids}
        error={fault('key_ids')}
        isDisabled={isDisabled}
        onValue={(key_ids) => onEntry({ ...entry, key_ids })}
      />
    </div>
  );
}
