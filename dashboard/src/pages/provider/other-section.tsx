import { Field, Input } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Section } from '../../ui/page.tsx';
import { Switch } from '../../ui/switch.tsx';
import type { ProviderDraft, ProviderFormProps } from './draft.ts';

const FLAGS = [
  ['send_back_raw_request', 'Send back the raw request', 'Answers hold what the provider was sent.'],
  ['send_back_raw_response', 'Send back the raw response', 'Answers hold what the provider sent.'],
  ['store_raw_request_response', 'Keep both in the logs', 'As far as content is kept at all.'],
] as const;

/** How much is asked at once, what is passed on raw, and what a provider of your own speaks. */
export function OtherSection({ form: { draft, set, errorAt }, isDisabled }: ProviderFormProps) {
  const { concurrency_and_buffer_size: size } = draft;
  const sizes = [
    ['concurrency', 'Requests at once'],
    ['buffer_size', 'Requests that may wait'],
  ] as const;
  return (
    <Section title="Other settings">
      <Field label="Description" error={errorAt('description')}>
        <Input value={draft.description} disabled={isDisabled} onText={(text) => set('description', text)} />
      </Field>
      <div className="grid items-end gap-4 sm:grid-cols-2">
        {sizes.map(([field, label]) => (
          <Field key={field} label={label} error={errorAt(`concurrency_and_buffer_size.${field}`)}>
            <Input
              type="number"
              value={Number.isNaN(size[field]) ? '' : size[field]}
              disabled={isDisabled}
              onText={(text) => set('concurrency_and_buffer_size', { ...size, [field]: Number.parseFloat(text) })}
            />
          </Field>
        ))}
      </div>
      {FLAGS.map(([field, label, hint]) => (
        <Switch
          key={field}
          label={label}
          hint={hint}
          isOn={draft[field]}
          disabled={isDisabled}
          onSwitch={(isOn) => set(field, isOn)}
        />
      ))}
      {draft.custom_provider_config !== undefined && (
        <Field
          label="Provider of your own"
          hint="base_provider_type, is_key_less, allowed_requests and request_path_overrides, as JSON."
          error={errorAt('custom_provider_config')}
        >
          <JsonEditor
            rows={8}
            value={draft.custom_provider_config}
            disabled={isDisabled}
            onValue={(value) => set('custom_provider_config', value as ProviderDraft['custom_provider_config'])}
          />
        </Field>
      )}
    </Section>
  );
}
