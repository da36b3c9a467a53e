import { Field, Input, TextArea } from '../../ui/field.tsx';
import { Section } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
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
  const { form, isDisabled, server } = props;
  const { draft, set, errorAt } = form;
  const isWeb = draft.connection_type === 'http' || draft.connection_type === 'sse';
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <Section title="Server">
        <Field
          label="Name"
          hint={`Prefix of the tools: ${draft.name}-<tool>. Id: ${server.config.client_id}`}
          error={errorAt('name')}
        >
          <Input value={draft.name} disabled={isDisabled} onText={(text) => set('name', text)} />
        </Field>
        <Switch
          label="Enabled"
          hint="Off: the connection is closed and the tools are hidden; everything else stays."
          isOn={!draft.disabled}
          disabled={isDisabled}
          onSwitch={(isOn) => set('disabled', !isOn)}
        />
        <Switch
          label="Code mode"
          hint="Offer the tools through code mode instead of one by one."
          isOn={draft.is_code_mode_client}
          disabled={isDisabled}
          onSwitch={(isOn) => set('is_code_mode_client', isOn)}
        />
      </Section>
      <Section title="Target" text="A change is tried on a connection beside the old one before it is stored.">
        <Field label="Type" error={errorAt('connection_type')}>
          <Select
            value={draft.connection_type}
            options={TYPES}
            disabled={isDisabled}
            onValue={(value) => set('connection_type', value)}
          />
        </Field>
        {draft.connection_type === 'stdio' ? <Command {...props} /> : <Address {...props} />}
      </Section>
      <Section title="Timing" text="0 takes the setting of the gateway.">
        <Field label="Time limit of a call, in seconds" error={errorAt('tool_execution_timeout')}>
          <NumberInput
            value={draft.tool_execution_timeout}
            disabled={isDisabled}
            onNumber={(value) => set('tool_execution_timeout', value)}
          />
        </Field>
        <Field label="Minutes between tool listings" hint="Below 0: never." error={errorAt('tool_sync_interval')}>
          <NumberInput
            value={draft.tool_sync_interval}
            disabled={isDisabled}
            onNumber={(value) => set('tool_sync_interval', value)}
          />
        </Field>
        <Field label="MCP revision" error={errorAt('protocol_era')}>
          <Select
            value={draft.protocol_era}
            options={ERAS}
            disabled={isDisabled}
            onValue={(value) => set('protocol_era', value)}
          />
        </Field>
        <Switch
          label="Probe with ping"
          hint="Off: with tools/list, for servers that know no ping."
          isOn={draft.is_ping_available}
          disabled={isDisabled}
          onSwitch={(isOn) => set('is_ping_available', isOn)}
        />
      </Section>
      {isWeb && <Tls {...props} />}
    </div>
  );
}

function Address({ form: { draft, set, errorAt }, isDisabled }: TabProps) {
  const isInProcess = draft.connection_type === 'inprocess';
  return (
    <Field
      label={isInProcess ? 'Registered name' : 'URL'}
      hint={isInProcess ? undefined : 'Or env.NAME, to read it from the environment of the gateway.'}
      error={errorAt('connection_string')}
    >
      <Input
        isMono
        value={draft.connection_string}
        disabled={isDisabled}
        onText={(text) => set('connection_string', text)}
      />
    </Field>
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
      <Field label="Arguments" hint="One a line." error={errorAt('stdio_config.args')}>
        <TextArea
          rows={3}
          value={stdio_config.args.join('\n')}
          disabled={isDisabled}
          onText={(text) => change({ args: linesOf(text) })}
        />
      </Field>
      <Field
        label="Environment"
        hint="One a line: NAME (taken over from the gateway), NAME=value or NAME=env.OTHER."
        error={errorAt('stdio_config.envs')}
      >
        <TextArea
          rows={3}
          value={stdio_config.envs.join('\n')}
          disabled={isDisabled}
          onText={(text) => change({ envs: linesOf(text) })}
        />
      </Field>
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

interface NumberProps {
  readonly value: number;
  readonly disabled: boolean;
  readonly onNumber: (value: number) => void;
}

function NumberInput({ value, disabled, onNumber }: NumberProps) {
  return <Input type="number" step="1" value={value} disabled={disabled} onText={(text) => onNumber(Number(text))} />;
}

/** One entry a line. While somebody types, the last line may be empty. */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}
