import { Button } from '../../ui/button.tsx';
import { writeSort } from '../../ui/sort.ts';
import { Empty } from '../../ui/states.tsx';
import { Table, type Column } from '../../ui/table.tsx';
import { Pager } from './pager.tsx';
import { logPageOf } from './search.ts';

/** Words of the URL that change. */
export type SearchChange<Search> = { readonly [K in keyof Search]?: string | undefined };

interface LogListProps<Row> {
  readonly label: string;
  readonly list: {
    readonly logs: readonly Row[];
    readonly pagination: { readonly total_count: number };
    readonly has_logs: boolean;
  };
  readonly columns: readonly Column<Row>[];
  readonly search: { readonly page?: string | undefined; readonly sort?: string | undefined };
  readonly onSearch: (change: { sort?: string; page?: string | undefined; selected?: string }) => void;
  readonly onClear: () => void;
  /** One of them in a word, and when one will show. */
  readonly word: string;
  readonly hint: string;
}

/** The rows of a log, the way to the others, and what to do when there are none. */
export function LogList<Row extends { readonly id: string }>(props: LogListProps<Row>) {
  const { label, list, columns, search, onSearch, onClear, word, hint } = props;
  const page = logPageOf(search);
  if (list.logs.length === 0 && !list.has_logs) return <Empty icon="log" title={`No ${word} yet`} text={hint} />;
  if (list.logs.length === 0) {
    return (
      <Empty
        icon="search"
        title={`No ${word} matches`}
        text="Look at a longer time, or for less."
        action={<Button onClick={onClear}>Clear the filters</Button>}
      />
    );
  }
  return (
    <>
      <Table
        label={label}
        rows={list.logs}
        columns={columns}
        rowKey={({ id }) => id}
        onOpen={({ id }) => onSearch({ selected: id })}
        sort={page.order}
        onSort={(sort) => onSearch({ sort: writeSort(sort), page: undefined })}
        rowHeight={38}
      />
      <Pager
        number={page.number}
        total={list.pagination.total_count}
        onNumber={(number) => onSearch({ page: number === 0 ? undefined : String(number) })}
      />
    </>
  );
}
