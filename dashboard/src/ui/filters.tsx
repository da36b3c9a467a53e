import { Combobox } from './combobox.tsx';
import { Input, useTyping } from './field.tsx';
import { Select, type Option } from './select.tsx';

interface FilterProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onValue: (value: string | undefined) => void;
}

interface PickProps extends FilterProps {
  readonly options: readonly Option<string>[];
}

const BOX = 'w-40 max-sm:w-auto max-sm:flex-1 max-sm:basis-32';

/** A filter of a few values. */
export function PickOne({ label, value = '', options, onValue }: PickProps) {
  return (
    <div className={BOX}>
      <Select
        label={label}
        value={value}
        options={[{ value: '', label: `${label}: all` }, ...withValue(options, value)]}
        onValue={(next) => onValue(next === '' ? undefined : next)}
      />
    </div>
  );
}

/** A filter of many values, found by typing; emptied, it lets everything through. */
export function FindOne({ label, value = '', options, onValue }: PickProps) {
  return (
    <div className={BOX}>
      <Combobox
        label={label}
        value={value}
        placeholder={`${label}: all`}
        options={withValue(options, value)}
        onValue={(next) => onValue(next === '' ? undefined : next)}
      />
    </div>
  );
}

/** A filter by words; emptied, it lets everything through. */
export function FindText({ label, value = '', onValue }: FilterProps) {
  const typing = useTyping(value, (text) => onValue(text === '' ? undefined : text));
  return (
    <div className="min-w-48 flex-1 max-sm:basis-full">
      <Input type="search" aria-label={label} placeholder={label} {...typing} />
    </div>
  );
}

/** A link may ask for what is not there now. */
function withValue(options: readonly Option<string>[], value: string): readonly Option<string>[] {
  return value === '' || options.some((option) => option.value === value)
    ? options
    : [...options, { value, label: value }];
}
