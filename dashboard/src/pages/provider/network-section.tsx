import { Field, Input, TextArea } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Section } from '../../ui/page.tsx';
import { Switch } from '../../ui/switch.tsx';
import type { NetworkDraft, ProviderFormProps } from './draft.ts';

const NUMBERS = [
  ['default_request_timeout_in_seconds', 'Time limit, in seconds'],
  ['stream_idle_timeout_in_seconds', 'Silence in a stream, in seconds'],
  ['max_retries', 'Retries'],
  ['retry_backoff_initial', 'First pause, in ms'],
  ['retry_backoff_max', 'Longest pause, in ms'],
] as const;

/** How a provider is reached. */
export function NetworkSection({ form: { draft, set, errorAt }, isDisabled }: ProviderFormProps) {
  const network = draft.network_config;
  const change = (part: Partial<NetworkDraft>): void => set('network_config', { ...network, ...part });
  const fault = (field: keyof NetworkDraft) => errorAt(`network_config.${field}`);
  return (
    <Section title="Network">
      <Field label="Address" hint="Empty: its public one." error={fault('base_url')}>
        <Input isMono value={network.base_url} disabled={isDisabled} onText={(base_url) => change({ base_url })} />
      </Field>
      <div className="grid items-end gap-4 sm:grid-cols-2">
        {NUMBERS.map(([field, label]) => (
          <Field key={field} label={label} error={fault(field)}>
            <Input
              type="number"
              value={Number.isNaN(network[field]) ? '' : network[field]}
              disabled={isDisabled}
              onText={(text) => change({ [field]: Number.parseFloat(text) })}
            />
          </Field>
        ))}
      </div>
      <Field
        label="Extra headers"
        hint='JSON such as {"X-Team": "env.TEAM"}. A mask keeps what is stored.'
        error={fault('extra_headers')}
      >
        <JsonEditor
          rows={3}
          value={network.extra_headers}
          disabled={isDisabled}
          onValue={(value) => change({ extra_headers: value as NetworkDraft['extra_headers'] })}
        />
      </Field>
      <Field label="Certificate authority" hint="PEM, trusted besides the others." error={fault('ca_cert_pem')}>
        <TextArea
          rows={2}
          value={network.ca_cert_pem}
          disabled={isDisabled}
          onText={(ca_cert_pem) => change({ ca_cert_pem })}
        />
      </Field>
      <Switch
        label="Private network"
        hint="Its address may lead to a private network."
        isOn={network.allow_private_network}
        disabled={isDisabled}
        onSwitch={(allow_private_network) => change({ allow_private_network })}
      />
      <Switch
        label="Any certificate"
        hint="Nobody knows then who answers."
        isOn={network.insecure_skip_verify}
        disabled={isDisabled}
        onSwitch={(insecure_skip_verify) => change({ insecure_skip_verify })}
      />
    </Section>
  );
}
