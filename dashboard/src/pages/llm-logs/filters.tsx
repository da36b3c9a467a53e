import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { llmLogFilterDataQuery } from '../../data/llm-logs.ts';
import { TimeRangePicker } from '../../ui/time-range.tsx';
import { FindOne, FindText, namedOptions, optionsOf, PickOne } from '../logs/bar.tsx';
import { STATUS_OPTIONS } from '../logs/content.tsx';
import type { SearchChange } from '../logs/log-list.tsx';
import type { LlmLogSearch } from '../logs/search.ts';

interface FiltersProps {
  readonly search: LlmLogSearch;
  readonly onSearch: (change: SearchChange<LlmLogSearch>) => void;
  readonly button: ReactNode;
}

/** Which requests to models are meant. */
export function LlmFilters({ search, onSearch, button }: FiltersProps) {
  const { data } = useQuery(llmLogFilterDataQuery);
  return (
    <div className="flex flex-wrap items-center gap-2" role="search">
      <TimeRangePicker value={search} onValue={({ last, from, to }) => onSearch({ last, from, to })} />
      <PickOne
        label="Status"
        value={search.status}
        options={STATUS_OPTIONS}
        onValue={(status) => onSearch({ status })}
      />
      <PickOne
        label="Provider"
        value={search.provider}
        options={optionsOf(data?.providers)}
        onValue={(provider) => onSearch({ provider })}
      />
      <FindOne
        label="Model"
        value={search.model}
        options={optionsOf(data?.models)}
        onValue={(model) => onSearch({ model })}
      />
      <FindOne
        label="Key"
        value={search.key}
        options={namedOptions(data?.virtual_keys)}
        onValue={(key) => onSearch({ key })}
      />
      <FindOne
        label="Provider's key"
        value={search.pkey}
        options={namedOptions(data?.selected_keys)}
        onValue={(pkey) => onSearch({ pkey })}
      />
      <PickOne
        label="Cost"
        value={search.cost}
        options={[{ value: 'unknown', label: 'unknown' }]}
        onValue={(cost) => onSearch({ cost })}
      />
      <FindText label="Search in requests and answers" value={search.q} onValue={(q) => onSearch({ q })} />
      {button}
    </div>
  );
}
