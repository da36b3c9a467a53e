import { Field, Input, TextArea } from '../../ui/field.tsx';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/switch.tsx';
import { labelOf, type Setting } from './topics.ts';

interface SettingFieldProps {
  readonly setting: Setting;
  readonly value: unknown;
  readonly onValue: (value: unknown) => void;
  readonly error: string | undefined;
  readonly disabled: boolean;
}

/** The control that fits what the gateway says about a setting. */
export function SettingField({ setting, value, onValue, error, disabled }: SettingFieldProps) {
  const { path, schema } = setting;
  const label = labelOf(path);
  if (schema.type === 'boolean') {
    return (
      <div>
        <Switch
          label={label}
          isOn={value === true}
          onSwitch={onValue}
          disabled={disabled}
          {...(schema.description === undefined ? {} : { hint: schema.description })}
        />
        {error !== undefined && <p className="text-sm text-bad">{error}</p>}
      </div>
    );
  }
  return (
    <Field label={label} hint={hintOf(setting)} error={error}>
      <Control setting={setting} value={value} onValue={onValue} disabled={disabled} />
    </Field>
  );
}

function Control({ setting: { schema }, value, onValue, disabled }: Omit<SettingFieldProps, 'error'>) {
  if (schema.enum !== undefined) {
    const options = schema.enum.map((word) => ({ value: word, label: word }));
    return (
      <Select value={typeof value === 'string' ? value : ''} options={options} onValue={onValue} disabled={disabled} />
    );
  }
  if (schema.type === 'array') {
    const lines = Array.isArray(value) ? value.join('\n') : '';
    return (
      <TextArea
        rows={3}
        value={lines}
        disabled={disabled}
        onText={(text) => onValue(text === '' ? [] : text.split('\n').map((line) => line.trim()))}
      />
    );
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    return (
      <Input
        type="number"
        value={typeof value === 'number' ? value : ''}
        disabled={disabled}
        // Nothing is no number: the gateway says so.
        onText={(text) => onValue(text === '' ? null : Number(text))}
      />
    );
  }
  return <Input value={typeof value === 'string' ? value : ''} onText={onValue} disabled={disabled} />;
}

function hintOf({ schema: { type, description } }: Setting): string | undefined {
  if (type !== 'array') return description;
  return `${description ?? ''} One a line.`.trim();
}
