import { classes } from './classes.ts';
import { CONTROL, useFieldLinks } from './field.tsx';

/** One thing that can be chosen. */
export interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

interface SelectProps<T extends string> {
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly onValue: (value: T) => void;
  readonly disabled?: boolean;
  /** Only without a Field around it. */
  readonly label?: string;
}

/** One of a few. The browser's own control: phones and screen readers know it best. */
export function Select<T extends string>({ value, options, onValue, disabled, label }: SelectProps<T>) {
  return (
    <select
      {...useFieldLinks()}
      {...(label === undefined ? {} : { 'aria-label': label })}
      value={value}
      disabled={disabled}
      onChange={(event) => onValue(event.target.value as T)} // the options are all there is
      className={classes(CONTROL, 'h-8')}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
