import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react';
import { classes } from './classes.ts';
import { Icon } from './icon.tsx';
import { sortRows, type Sort } from './sort.ts';
import { usePlace } from './use-place.ts';

/** One column of a table. */
export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** Makes the column sortable. */
  readonly sortBy?: (row: Row) => string | number;
  /** Left out on narrow screens: `md` below 768 px, `lg` below 1024 px. */
  readonly from?: 'md' | 'lg';
  /** Such as `w-24`; others share what is left. */
  readonly width?: string;
  readonly align?: 'right';
}

interface TableProps<Row> {
  /** What the table is about, for screen readers. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string;
  /** Enter or a click on a row. */
  readonly onOpen?: (row: Row) => void;
  /** In the URL, where the page has one. */
  readonly sort?: Sort | undefined;
  readonly onSort?: (sort: Sort) => void;
  readonly rowHeight?: number;
}

const HIDDEN = { md: 'max-md:hidden', lg: 'max-lg:hidden' } as const;

/** A table of any length: only the rows in sight exist. Arrow keys move between rows, Enter opens one. */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rowKey, onOpen, onSort, rowHeight = 44 } = props;
  const [ownSort, setOwnSort] = useState<Sort>();
  const sort = props.sort ?? ownSort;
  const { by, isDescending } = sort ?? {};
  // Scrolling renders this again and again; sorting thousands of rows must not be part of it.
  const rows = useMemo(
    () => sortRows(props.rows, columns, by === undefined ? undefined : { by, isDescending: isDescending === true }),
    [props.rows, columns, by, isDescending],
  );
  const frame = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    // Rows ahead are there already: they need not be made while the browser waits.
    useFlushSync: false,
  });
  usePlace(frame, { rows, order: `${by} ${isDescending}`, rowKey, rowHeight });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);

  function move(event: KeyboardEvent<HTMLElement>): void {
    const index = indexOf(event.target);
    if (index === undefined) return; // a control inside the row
    const target = targetOf(event.key, index, rows.length);
    const row = rows[index];
    if (event.key === 'Enter' && row !== undefined) onOpen?.(row);
    if (target === undefined) return;
    event.preventDefault();
    setActive(target);
    virtual.scrollToIndex(target);
    // The row may only come into being now.
    requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(`[data-row="${target}"]`)?.focus());
  }

  function open(event: MouseEvent<HTMLElement>): void {
    const row = rows[rowOf(event.target) ?? -1];
    if (row !== undefined) onOpen?.(row);
  }

  return (
    <div
      ref={frame}
      // The browser's own anchoring takes the empty rows above for content, and jumps.
      className="max-h-[calc(100dvh-13rem)] min-h-24 overflow-auto [overflow-anchor:none] rounded-lg border bg-surface"
      data-table={label}
    >
      <table aria-label={label} aria-rowcount={rows.length + 1} className="w-full table-fixed border-collapse text-sm">
        <thead className="sticky top-0 z-10 bg-surface">
          <tr>
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort ?? setOwnSort} />
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={move} onClick={open} onFocus={({ target }) => setActive((now) => rowOf(target) ?? now)}>
          {above > 0 && <tr aria-hidden="true" style={{ height: above }} />}
          {items.map(({ index }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const isActive = index === Math.min(active, rows.length - 1);
            const look = { rowHeight, isActive, canOpen: onOpen !== undefined };
            return <BodyRow key={rowKey(row)} {...{ row, index, columns, ...look }} />;
          })}
          {below > 0 && <tr aria-hidden="true" style={{ height: below }} />}
        </tbody>
      </table>
    </div>
  );
}

interface BodyRowProps<Row> {
  readonly row: Row;
  readonly index: number;
  readonly columns: readonly Column<Row>[];
  readonly rowHeight: number;
  /** It is the one row that Tab leads to. */
  readonly isActive: boolean;
  readonly canOpen: boolean;
}

function PlainBodyRow<Row>({ row, index, columns, rowHeight, isActive, canOpen }: BodyRowProps<Row>) {
  return (
    <tr
      data-row={index}
      aria-rowindex={index + 2}
      tabIndex={isActive ? 0 : -1}
      style={{ height: rowHeight }}
      className={classes('border-t outline-offset-[-2px] hover:bg-raised', canOpen && 'cursor-pointer')}
    >
      {columns.map(({ id, cell, from, align }) => (
        <td key={id} className={classes('truncate px-3', from && HIDDEN[from], align === 'right' && 'text-right')}>
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}

/** Rows that stay in sight are not rendered again while others scroll by. */
const BodyRow = memo(PlainBodyRow) as typeof PlainBodyRow; // memo forgets that it is generic

/** The place of the row that this is; undefined for a control inside it. */
function indexOf(target: EventTarget): number | undefined {
  const place = target instanceof HTMLElement ? target.dataset['row'] : undefined;
  return place === undefined ? undefined : Number(place);
}

/** The place of the row around this. What is drawn elsewhere, such as a dialog of the row, has none. */
function rowOf(target: EventTarget): number | undefined {
  const row = target instanceof Element ? target.closest('[data-row]') : null;
  return row === null ? undefined : indexOf(row);
}

interface HeaderProps<Row> {
  readonly column: Column<Row>;
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
}

function HeaderCell<Row>({ column: { id, title, sortBy, from, width, align }, sort, onSort }: HeaderProps<Row>) {
  const isSorted = sort?.by === id;
  const isDescending = isSorted && sort.isDescending;
  return (
    <th
      scope="col"
      aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : undefined}
      className={classes(
        'h-9 border-b px-3 text-left text-xs font-medium text-muted',
        width,
        from && HIDDEN[from],
        align === 'right' && 'text-right',
      )}
    >
      {sortBy === undefined ? (
        title
      ) : (
        <button
          type="button"
          className="inline-flex items-center gap-1 rounded hover:text-ink"
          onClick={() => onSort({ by: id, isDescending: isSorted && !isDescending })}
        >
          {title}
          {isSorted && <Icon name={isDescending ? 'down' : 'up'} className="size-3" />}
        </button>
      )}
    </th>
  );
}

function targetOf(key: string, index: number, count: number): number | undefined {
  const last = count - 1;
  if (key === 'ArrowDown') return Math.min(index + 1, last);
  if (key === 'ArrowUp') return Math.max(index - 1, 0);
  if (key === 'Home') return 0;
  if (key === 'End') return last;
  return undefined;
}
