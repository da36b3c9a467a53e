import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { llmLogFilterDataQuery } from '../../data/llm-logs.ts';
import { LogFilters, namedOptions, optionsOf } from '../logs/filters.tsx';
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
    <LogFilters
      search={search}
      onSearch={onSearch}
      wordsLabel="Search in requests and answers"
      picks={[
        { field: 'provider', label: 'Provider', options: optionsOf(data?.providers) },
        { field: 'model', label: 'Model', options: optionsOf(data?.models), isLong: true },
        { field: 'key', label: 'Key', options: namedOptions(data?.virtual_keys), isLong: true },
        { field: 'pkey', label: "Provider's key", options: namedOptions(data?.selected_keys), isLong: true },
        { field: 'cost', label: 'Cost', options: [{ value: 'unknown', label: 'unknown' }] },
      ]}
    >
      {button}
    </LogFilters>
  );
}
