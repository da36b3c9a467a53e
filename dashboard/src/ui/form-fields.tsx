import type { ComponentProps, ReactNode } from 'react';
import { Field, Input, TextArea } from './field.tsx';
import { Select, type Option } from './select.tsx';
import { Switch } from './switch.tsx';

/** A form that has a field of this kind. */
interface FormWith<Name extends string, Value> {
  readonly draft: { readonly [K in Name]: Value };
  set(field: Name, value: Value): void;
  errorAt(field: string): string | undefined;
}

interface Bound<Name extends string, Value> {
  readonly form: FormWith<NoInfer<Name>, Value>;
  /** The field that it shows, changes, and tells the faults of. */
  readonly field: Name;
  readonly label: string;
  readonly disabled?: boolean | undefined;
}

interface BoundField<Name extends string, Value> extends Bound<Name, Value> {
  readonly hint?: ReactNode;
}

type TextProps<Name extends string> = BoundField<Name, string> &
  Omit<ComponentProps<typeof Input>, 'form' | 'value' | 'onText' | 'id'>;

/** One line of text of a form. */
export function FormText<Name extends string>({ form, field, label, hint, ...rest }: TextProps<Name>) {
  return (
    <Field label={label} hint={hint} error={form.errorAt(field)}>
      <Input {...rest} value={form.draft[field]} onText={(text) => form.set(field, text)} />
    </Field>
  );
}

interface NumberProps<Name extends string> extends BoundField<Name, number> {
  readonly step?: string;
  readonly min?: number;
}

/** A number of a form; NaN while nothing is typed, which the gateway refuses. */
export function FormNumber<Name extends string>({ form, field, label, hint, ...rest }: NumberProps<Name>) {
  const value = form.draft[field];
  return (
    <Field label={label} hint={hint} error={form.errorAt(field)}>
      <Input
        {...rest}
        type="number"
        value={Number.isNaN(value) ? '' : value}
        onText={(text) => form.set(field, Number.parseFloat(text))}
      />
    </Field>
  );
}

/** A list of a form, one entry a line. While somebody types, the last line may be empty. */
export function FormLines<Name extends string>({
  form,
  field,
  label,
  hint,
  disabled,
}: BoundField<Name, readonly string[]>) {
  return (
    <Lines
      label={label}
      hint={hint}
      error={form.errorAt(field)}
      value={form.draft[field]}
      disabled={disabled}
      onValue={(lines) => form.set(field, lines)}
    />
  );
}

interface LinesProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly value: readonly string[];
  readonly disabled?: boolean | undefined;
  readonly onValue: (value: string[]) => void;
}

/** A list of names, one a line. */
export function Lines({ label, hint, error, value, disabled, onValue }: LinesProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      <TextArea
        rows={3}
        value={value.join('\n')}
        disabled={disabled}
        onText={(text) => onValue(text === '' ? [] : text.split('\n'))}
      />
    </Field>
  );
}

interface SelectProps<Name extends string, Value extends string> extends BoundField<Name, Value> {
  readonly options: readonly Option<NoInfer<Value>>[];
}

/** One of a few in a form. */
export function FormSelect<Name extends string, Value extends string>(props: SelectProps<Name, Value>) {
  const { form, field, label, hint, options, disabled } = props;
  return (
    <Field label={label} hint={hint} error={form.errorAt(field)}>
      <Select
        value={form.draft[field]}
        options={options}
        {...(disabled === undefined ? {} : { disabled })}
        onValue={(value) => form.set(field, value)}
      />
    </Field>
  );
}

/** Yes or no in a form. */
export function FormSwitch<Name extends string>({
  form,
  field,
  label,
  hint,
  disabled,
}: Bound<Name, boolean> & { readonly hint?: string }) {
  return (
    <Switch
      label={label}
      {...(hint === undefined ? {} : { hint })}
      {...(disabled === undefined ? {} : { disabled })}
      isOn={form.draft[field]}
      onSwitch={(isOn) => form.set(field, isOn)}
    />
  );
}
