import type { ReactNode } from 'react';
import type { Option } from '../../ui/select.tsx';
import { TimeRangePicker } from '../../ui/time-range.tsx';
import { FindOne, FindText, PickOne } from '../../ui/filters.tsx';
import { STATUS_OPTIONS } from './content.tsx';
import type { LogSearch } from './search.ts';

/** One filter besides time, status and words. */
export interface LogPick<Field extends string> {
  readonly field: Field;
  readonly label: string;
  readonly options: readonly Option<string>[];
  /** Found by typing. */
  readonly isLong?: boolean;
}

interface LogFiltersProps<Field extends string> {
  readonly search: LogSearch<Field>;
  readonly onSearch: (change: { readonly [K in keyof LogSearch<Field>]?: string | undefined }) => void;
  readonly picks: readonly LogPick<Field | 'key'>[];
  readonly wordsLabel: string;
  /** More, at the end. */
  readonly children: ReactNode;
}

/** Which rows of a log are meant; a change begins with the first page again. */
export function LogFilters<Field extends string>(props: LogFiltersProps<Field>) {
  const { search, picks, wordsLabel, children } = props;
  const onSearch = (change: object): void => props.onSearch({ ...change, page: undefined });
  return (
    <div className="flex flex-wrap items-center gap-2" role="search">
      <TimeRangePicker value={search} onValue={({ last, from, to }) => onSearch({ last, from, to })} />
      <PickOne
        label="Status"
        value={search.status}
        options={STATUS_OPTIONS}
        onValue={(status) => onSearch({ status })}
      />
      {picks.map(({ field, label, options, isLong = false }) => {
        const Pick = isLong ? FindOne : PickOne;
        return (
          <Pick
            key={field}
            label={label}
            value={search[field]}
            options={options}
            onValue={(value) => onSearch({ [field]: value })}
          />
        );
      })}
      <FindText label={wordsLabel} value={search.q} onValue={(q) => onSearch({ q })} />
      {children}
    </div>
  );
}

/** Things with a name as options. */
export function namedOptions(things: readonly { readonly id: string; readonly name: string }[] | undefined) {
  return (things ?? []).map(({ id, name }) => ({ value: id, label: name }));
}

/** Names as options. */
export function optionsOf(names: readonly string[] | undefined): Option<string>[] {
  return (names ?? []).map((name) => ({ value: name, label: name }));
}
