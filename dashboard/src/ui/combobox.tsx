import { Combobox as Base } from '@base-ui/react/combobox';
import { useMemo } from 'react';
import { classes } from './classes.ts';
import { CONTROL, useFieldLinks } from './field.tsx';
import type { Option } from './select.tsx';

interface ComboboxProps {
  readonly value: string;
  readonly options: readonly Option<string>[];
  readonly onValue: (value: string) => void;
  readonly placeholder?: string;
  readonly disabled?: boolean;
  /** Only without a Field around it. */
  readonly label?: string;
}

/** So many are shown at once: nobody reads more, and thousands would take seconds. */
const LIMIT = 100;

/** One of many, found by typing. */
export function Combobox({ value, options, onValue, placeholder, disabled = false, label }: ComboboxProps) {
  const links = useFieldLinks();
  const text = options.find((option) => option.value === value)?.label;
  // Another object is another choice to Base: it would put its label in place of what is being typed when options are read anew.
  const chosen = useMemo(() => (text === undefined ? null : { value, label: text }), [value, text]);
  return (
    <Base.Root
      items={options}
      value={chosen}
      isItemEqualToValue={isSame}
      onValueChange={(option: Option<string> | null) => onValue(option?.value ?? '')}
      disabled={disabled}
      limit={LIMIT}
      filter={isMatch}
    >
      <Base.Input
        {...links}
        {...(label === undefined ? {} : { 'aria-label': label })}
        placeholder={placeholder ?? 'Type to search'}
        className={classes(CONTROL, 'h-8')}
      />
      <Base.Portal>
        <Base.Positioner sideOffset={4} className="z-50">
          <Base.Popup className="max-h-72 w-(--anchor-width) overflow-auto rounded-md border bg-surface p-1 shadow-lg">
            <Base.Empty className="px-2 text-sm text-muted">Nothing matches.</Base.Empty>
            <Base.List>
              {(option: Option<string>) => (
                <Base.Item
                  key={option.value}
                  value={option}
                  className="rounded px-2 py-1 data-highlighted:bg-accent-soft data-selected:font-medium"
                >
                  {option.label}
                </Base.Item>
              )}
            </Base.List>
            {options.length > LIMIT && (
              <p className="px-2 py-1 text-sm text-muted">
                {LIMIT} of {options.length} at most: type to find the others.
              </p>
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function isSame(one: Option<string>, other: Option<string>): boolean {
  return one.value === other.value;
}

/** Every word must be somewhere in the label. */
function isMatch({ label }: Option<string>, query: string): boolean {
  const searched = label.toLowerCase();
  return query
    .toLowerCase()
    .split(' ')
    .every((word) => searched.includes(word));
}
