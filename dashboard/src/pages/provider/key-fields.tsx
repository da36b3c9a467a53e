import { Field, Input } from '../../ui/field.tsx';
import type { Form } from '../../ui/form.ts';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Lines } from '../limits/lines.tsx';
import type { Cloud, ProviderKeyDraft } from './key-draft.ts';

const CLOUD_HINTS: Readonly<Record<Cloud, string>> = {
  azure: 'JSON: {"endpoint": "https://…", "api_version": "…"}',
  bedrock: 'JSON: {"access_key": …, "secret_key": …, "session_token": …, "region": "…"}',
  vertex: 'JSON: {"project_id": "…", "region": "…", "auth_credentials": …}',
};

interface KeyFieldsProps {
  readonly form: Form<ProviderKeyDraft>;
  readonly cloud: Cloud | undefined;
  readonly isDisabled: boolean;
}

/** What can be said of a provider's key. */
export function KeyFields({ form: { draft, set, errorAt }, cloud, isDisabled }: KeyFieldsProps) {
  return (
    <>
      <Field label="Name" error={errorAt('name')}>
        <Input value={draft.name} disabled={isDisabled} onText={(text) => set('name', text)} />
      </Field>
      <Field
        label="Value"
        hint="The key itself, env.NAME or file.PATH. The mask keeps what is stored."
        error={errorAt('value')}
      >
        <Input
          isMono
          autoComplete="off"
          value={draft.value}
          disabled={isDisabled}
          onText={(text) => set('value', text)}
        />
      </Field>
      {cloud !== undefined && (
        <Field label={`Settings of ${cloud}`} hint={CLOUD_HINTS[cloud]} error={errorAt(`${cloud}_key_config`)}>
          <JsonEditor
            value={draft[`${cloud}_key_config`]}
            disabled={isDisabled}
            onValue={(value) => set(`${cloud}_key_config`, value)}
          />
        </Field>
      )}
      <Lines
        label="Models"
        hint='One a line; * means all, nothing means none; "regex:…" matches whole names.'
        error={errorAt('models')}
        value={draft.models}
        disabled={isDisabled}
        onValue={(models) => set('models', models)}
      />
      <Lines
        label="Refused models"
        hint="Whatever stands above."
        error={errorAt('blacklisted_models')}
        value={draft.blacklisted_models}
        disabled={isDisabled}
        onValue={(models) => set('blacklisted_models', models)}
      />
      <Field label="Weight" hint="Its share among the keys." error={errorAt('weight')}>
        <Input
          type="number"
          min={0}
          step="any"
          value={Number.isNaN(draft.weight) ? '' : draft.weight}
          disabled={isDisabled}
          onText={(text) => set('weight', Number.parseFloat(text))}
        />
      </Field>
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
      <Switch label="Enabled" isOn={draft.enabled} disabled={isDisabled} onSwitch={(isOn) => set('enabled', isOn)} />
    </>
  );
}
