import { Field } from '../../ui/field.tsx';
import type { Form } from '../../ui/form.ts';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { AddModel } from '../grants/add-model.tsx';
import { FormLines, FormNumber, FormSwitch, FormText } from '../../ui/form-fields.tsx';
import type { Cloud, ProviderKeyDraft } from './key-draft.ts';

const CLOUD_HINTS: Readonly<Record<Cloud, string>> = {
  azure: 'JSON: {"endpoint": "https://…", "api_version": "…"}',
  bedrock:
    'JSON: {"access_key": …, "secret_key": …, "session_token": …, "region": "…"}; without keys, those of the machine.',
  vertex: 'JSON: {"project_id": "…", "region": "…", "auth_credentials": …}',
};

interface KeyFieldsProps {
  readonly provider: string;
  readonly form: Form<ProviderKeyDraft>;
  readonly cloud: Cloud | undefined;
  readonly isDisabled: boolean;
}

/** What can be said of a provider's key. */
export function KeyFields({ form, provider, cloud, isDisabled }: KeyFieldsProps) {
  const { draft, set, errorAt } = form;
  const bound = { form, disabled: isDisabled };
  return (
    <>
      <FormText {...bound} field="name" label="Name" />
      <FormText
        {...bound}
        field="value"
        label="Value"
        hint="The key itself, env.NAME or file.PATH. The mask keeps what is stored."
        isMono
        autoComplete="off"
      />
      {cloud !== undefined && (
        <Field label={`Settings of ${cloud}`} hint={CLOUD_HINTS[cloud]} error={errorAt(`${cloud}_key_config`)}>
          <JsonEditor
            value={draft[`${cloud}_key_config`]}
            disabled={isDisabled}
            onValue={(value) => set(`${cloud}_key_config`, value)}
          />
        </Field>
      )}
      <FormLines
        {...bound}
        field="models"
        label="Models"
        hint='One a line; * means all, nothing means none; "regex:…" matches whole names.'
      />
      <AddModel
        provider={provider}
        value={draft.models}
        isUnfiltered
        isDisabled={isDisabled}
        onValue={(models) => set('models', models)}
      />
      <FormLines {...bound} field="blacklisted_models" label="Refused models" hint="Whatever stands above." />
      <FormNumber {...bound} field="weight" label="Weight" hint="Its share among the keys." min={0} step="any" />
      <Field
        label="Aliases"
        hint={'JSON: what callers ask for, and the name at the provider: {"fast": "gpt-5-mini"}.'}
        error={errorAt('aliases')}
      >
        <JsonEditor
          rows={3}
          value={draft.aliases}
          disabled={isDisabled}
          onValue={(value) => set('aliases', value as ProviderKeyDraft['aliases'])}
        />
      </Field>
      <FormSwitch {...bound} field="enabled" label="Enabled" />
    </>
  );
}
