import { Field, TextArea } from '../../ui/field.tsx';

interface LinesProps {
  readonly label: string;
  readonly hint: string;
  readonly error?: string | undefined;
  readonly value: readonly string[];
  readonly disabled: boolean;
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
