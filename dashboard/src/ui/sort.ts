/** By which column, and which way. */
export interface Sort {
  readonly by: string;
  readonly isDescending: boolean;
}

interface Sortable<Row> {
  readonly id: string;
  readonly sortBy?: (row: Row) => string | number;
}

const order = new Intl.Collator('en', { numeric: true });

/** The rows in order; as they came where nothing says otherwise. */
export function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Sortable<Row>[],
  sort: Sort | undefined,
): readonly Row[] {
  const read = columns.find(({ id }) => id === sort?.by)?.sortBy;
  if (read === undefined) return rows;
  const direction = sort?.isDescending === true ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [read(a), read(b)];
    const isNumeric = typeof left === 'number' && typeof right === 'number';
    return direction * (isNumeric ? left - right : order.compare(String(left), String(right)));
  });
}

/** A sort as it stands in the URL: `name`, or `-name` for the other way round. */
export function parseSort(text: string | undefined): Sort | undefined {
  if (text === undefined || text === '') return undefined;
  return text.startsWith('-') ? { by: text.slice(1), isDescending: true } : { by: text, isDescending: false };
}

/** The text of a sort for the URL. */
export function writeSort({ by, isDescending }: Sort): string {
  return isDescending ? `-${by}` : by;
}
