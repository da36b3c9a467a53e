import { Button } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Input } from '../../ui/field.tsx';
import { Select } from '../../ui/select.tsx';
import { PAGE_ROWS } from './search.ts';
import { countText } from '../../numbers.ts';

interface PickProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly onValue: (value: string | undefined) => void;
}

const BOX = 'w-40 max-sm:w-auto max-sm:flex-1 max-sm:basis-32';

/** A filter of a few values. */
export function PickOne({ label, value = '', options, onValue }: PickProps) {
  const known = value === '' || options.some((option) => option.value === value);
  const all = known ? options : [...options, { value, label: value }];
  return (
    <div className={BOX}>
      <Select
        label={label}
        value={value}
        options={[{ value: '', label: `${label}: all` }, ...all]}
        onValue={(next) => onValue(next === '' ? undefined : next)}
      />
    </div>
  );
}

/** A filter of many values, found by typing; emptied, it lets everything through. */
export function FindOne({ label, value = '', options, onValue }: PickProps) {
  const known = value === '' || options.some((option) => option.value === value);
  return (
    <div className={BOX}>
      <Combobox
        label={label}
        value={value}
        placeholder={`${label}: all`}
        options={known ? options : [...options, { value, label: value }]}
        onValue={(next) => onValue(next === '' ? undefined : next)}
      />
    </div>
  );
}

/** A filter by words; emptied, it lets everything through. */
export function FindText({ label, value = '', onValue }: Omit<PickProps, 'options'>) {
  return (
    <div className="min-w-48 flex-1 max-sm:basis-full">
      <Input
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        onText={(text) => onValue(text === '' ? undefined : text)}
      />
    </div>
  );
}

/** Things with a name as options. */
export function namedOptions(things: readonly { readonly id: string; readonly name: string }[] | undefined) {
  return (things ?? []).map(({ id, name }) => ({ value: id, label: name }));
}

/** Names as options. */
export function optionsOf(names: readonly string[] | undefined): { value: string; label: string }[] {
  return (names ?? []).map((name) => ({ value: name, label: name }));
}

interface PagerProps {
  readonly number: number;
  readonly total: number;
  readonly onNumber: (number: number) => void;
}

/** Which rows are shown, and the way to the others. */
export function Pager({ number, total, onNumber }: PagerProps) {
  const first = number * PAGE_ROWS + 1;
  const last = Math.min(total, first + PAGE_ROWS - 1);
  return (
    <div className="flex flex-wrap items-center justify-end gap-2 text-sm text-muted">
      <p className="tabular-nums" aria-live="polite">
        {total === 0 ? 'none' : `${countText(first)}–${countText(last)} of ${countText(total)}`}
      </p>
      {total > PAGE_ROWS && (
        <>
          <Button disabled={number === 0} onClick={() => onNumber(number - 1)}>
            Previous
          </Button>
          <Button disabled={last >= total} onClick={() => onNumber(number + 1)}>
            Next
          </Button>
        </>
      )}
    </div>
  );
}
