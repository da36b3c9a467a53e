import { Field, Input, TextArea } from '../../ui/field.tsx';
import { FormNumber, FormSelect, FormSwitch, FormText, Lines } from '../../ui/form-fields.tsx';
import { Section } from '../../ui/page.tsx';
import { Switch } from '../../ui/switch.tsx';
import { TYPE_WORDS } from '../server-words.tsx';
import type { TabProps, TlsDraft } from './draft.ts';

const TYPES = (['http', 'sse', 'stdio', 'inprocess'] as const).map((value) => ({ value, label: TYPE_WORDS[value] }));
const ERAS = [
  { value: 'auto', label: 'Find out' },
  { value: 'modern', label: '2026-07-28' },
  { value: 'legacy', label: '2024-11-05 to 2025-11-25' },
] as const;

/** How a server is reached. A new target is tried first; if it refuses, the old one goes on serving. */
export function ConnectionTab(props: TabProps) {
  const { form, isDisabled } = props;
  const { draft } = form;
  const isWeb = draft.connection_type === 'http' || draft.connection_type === 'sse';
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <Naming {...props} />
      <Section title="Target" text="A change is tried on a connection beside the old one before it is stored.">
        <FormSelect form={form} field="connection_type" label="Type" options={TYPES} disabled={isDisabled} />
        {draft.connection_type === 'stdio' ? <Command {...props} /> : <Address {...props} />}
      </Section>
      <Timing {...props} />
      {isWeb && <Tls {...props} />}
    </div>
  );
}

function Naming({ server, form, isDisabled }: TabProps) {
  return (
    <Section title="Server">
      <FormText
        form={form}
        field="name"
        label="Name"
        hint={`Prefix of the tools: ${form.draft.name}-<tool>. Id: ${server.config.client_id}`}
        disabled={isDisabled}
      />
      <Switch
        label="Enabled"
        hint="Off: the connection is closed and the tools are hidden; everything else stays."
        isOn={!form.draft.disabled}
        disabled={isDisabled}
        onSwitch={(isOn) => form.set('disabled', !isOn)}
      />
      <FormSwitch
        form={form}
        field="is_code_mode_client"
        label="Code mode"
        hint="Offer the tools through code mode instead of one by one."
        disabled={isDisabled}
      />
    </Section>
  );
}

function Timing({ form, isDisabled }: TabProps) {
  const bound = { form, disabled: isDisabled };
  return (
    <Section title="Timing" text="0 takes the setting of the gateway.">
      <FormNumber {...bound} field="tool_execution_timeout" label="Time limit of a call, in seconds" step="1" />
      <FormNumber
        {...bound}
        field="tool_sync_interval"
        label="Minutes between tool listings"
        hint="Below 0: never."
        step="1"
      />
      <FormSelect {...bound} field="protocol_era" label="MCP revision" options={ERAS} />
      <FormSwitch
        {...bound}
        field="is_ping_available"
        label="Probe with ping"
        hint="Off: with tools/list, for servers that know no ping."
      />
    </Section>
  );
}

function Address({ form, isDisabled }: TabProps) {
  const isInProcess = form.draft.connection_type === 'inprocess';
  return (
    <FormText
      form={form}
      field="connection_string"
      label={isInProcess ? 'Registered name' : 'URL'}
      hint={isInProcess ? undefined : 'Or env.NAME, to read it from the environment of the gateway.'}
      isMono
      disabled={isDisabled}
    />
  );
}

function Command({ form: { draft, set, errorAt }, isDisabled }: TabProps) {
  const { stdio_config } = draft;
  const change = (part: Partial<typeof stdio_config>): void => set('stdio_config', { ...stdio_config, ...part });
  return (
    <>
      <Field label="Command" error={errorAt('stdio_config.command') ?? errorAt('stdio_config')}>
        <Input isMono value={stdio_config.command} disabled={isDisabled} onText={(command) => change({ command })} />
      </Field>
      <Lines
        label="Arguments"
        hint="One a line."
        error={errorAt('stdio_config.args')}
        value={stdio_config.args}
        disabled={isDisabled}
        onValue={(args) => change({ args })}
      />
      <Lines
        label="Environment"
        hint="One a line: NAME (taken over from the gateway), NAME=value or NAME=env.OTHER."
        error={errorAt('stdio_config.envs')}
        value={stdio_config.envs}
        disabled={isDisabled}
        onValue={(envs) => change({ envs })}
      />
    </>
  );
}

const PEM_FIELDS = [
  ['ca_cert_pem', 'Certificate authority (PEM)'],
  ['client_cert_pem', 'Client certificate (PEM)'],
  ['client_key_pem', 'Private key of the client certificate (PEM)'],
] as const;

function Tls({ form: { draft, set, errorAt }, isDisabled }: TabProps) {
  const { tls_config } = draft;
  const change = (part: Partial<TlsDraft>): void => set('tls_config', { ...tls_config, ...part });
  return (
    <Section title="TLS" text="The text itself, or env.NAME or file.PATH. What is stored shows as stars and stays.">
      {PEM_FIELDS.map(([field, label]) => (
        <Field key={field} label={label} error={errorAt(`tls_config.${field}`)}>
          <TextArea
            rows={2}
            value={tls_config[field]}
            disabled={isDisabled}
            onText={(text) => change({ [field]: text })}
          />
        </Field>
      ))}
      <Switch
        label="Accept any certificate"
        hint="For a test only: anybody in between can read and change everything."
        isOn={tls_config.insecure_skip_verify}
        disabled={isDisabled}
        onSwitch={(isOn) => change({ insecure_skip_verify: isOn })}
      />
    </Section>
  );
}
