import type { ReactNode } from 'react';
import { IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Field } from '../../ui/field.tsx';
import type { Option } from '../../ui/select.tsx';

interface GrantedProps {
  readonly name: string;
  /** What the button that takes it away says. */
  readonly removeLabel: string;
  readonly isDisabled: boolean;
  readonly onRemove: () => void;
  readonly children: ReactNode;
}

/** One thing that is granted, what exactly of it, and taking it away. */
export function Granted({ name, removeLabel, isDisabled, onRemove, children }: GrantedProps) {
  return (
    <div role="group" aria-label={name} className="flex flex-col gap-2 rounded-md border p-3">
      <div className="flex items-center gap-2">
        <h3 className="min-w-0 flex-1 truncate font-medium">{name}</h3>
        <IconButton icon="trash" label={removeLabel} disabled={isDisabled} onClick={onRemove} />
      </div>
      {children}
    </div>
  );
}

interface GrantAnotherProps {
  readonly label: string;
  readonly placeholder: string;
  /** All there are. */
  readonly options: readonly Option<string>[];
  /** Those that are granted already. */
  readonly granted: readonly string[];
  /** Said where there is nothing to grant at all. */
  readonly none: string;
  readonly error: string | undefined;
  readonly isDisabled: boolean;
  readonly onGrant: (value: string) => void;
}

/** Grants one more of many. */
export function GrantAnother(props: GrantAnotherProps) {
  const { label, placeholder, options, granted, none, error, isDisabled, onGrant } = props;
  return (
    <Field label={label} hint={options.length === 0 ? none : undefined} error={error}>
      <Combobox
        value=""
        placeholder={placeholder}
        disabled={isDisabled}
        options={options.filter(({ value }) => !granted.includes(value))}
        onValue={(value) => value !== '' && onGrant(value)}
      />
    </Field>
  );
}
