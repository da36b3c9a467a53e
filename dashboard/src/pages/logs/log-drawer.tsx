import { useState, type ReactNode } from 'react';
import { useSession } from '../../shell/session-context.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/code-block.tsx';
import { Confirm, Drawer } from '../../ui/dialog.tsx';
import { Fetched } from '../../ui/fetched.tsx';
import { momentText } from './content.tsx';

interface Row {
  readonly id: string;
  readonly timestamp: string;
}

/** What every log tells the drawer of a row. */
export interface DetailProps<R extends Row> {
  readonly id: string;
  /** The rows on the page, to go from one to the next. */
  readonly rows: readonly R[];
  readonly onSelect: (id: string | undefined) => void;
}

interface LogDrawerProps<R extends Row> extends DetailProps<R> {
  readonly query: { readonly data: R | undefined; readonly error: unknown; readonly refetch: () => unknown };
  readonly title: (log: R | undefined) => string;
  /** Such as: this call of "echo". */
  readonly wordOf: (log: R | undefined) => string;
  readonly onDelete: () => Promise<unknown>;
  readonly children: (log: R) => ReactNode;
}

/** One row of a log: its content, the way to its neighbours, a copy of it, and its end. */
export function LogDrawer<R extends Row>(props: LogDrawerProps<R>) {
  const { id, rows, onSelect, query, title, wordOf, onDelete, children } = props;
  const { canWrite } = useSession();
  const [isDeleting, setDeleting] = useState(false);
  const log = query.data;
  const index = rows.findIndex((row) => row.id === id);
  const [above, below] = [rows[index - 1], index === -1 ? undefined : rows[index + 1]];

  async function remove(): Promise<void> {
    await onDelete();
    onSelect(undefined);
  }

  return (
    <>
      <Drawer
        isOpen
        onClose={() => onSelect(undefined)}
        title={title(log)}
        {...(log === undefined ? {} : { description: momentText(log.timestamp) })}
        actions={
          <>
            <IconButton icon="up" label="Row above" disabled={!above} onClick={() => onSelect(above?.id)} />
            <IconButton icon="down" label="Row below" disabled={!below} onClick={() => onSelect(below?.id)} />
            <span className="flex-1" />
            {log !== undefined && <CopyButton text={JSON.stringify(log, undefined, 2)} label="Copy as JSON" />}
            {canWrite && (
              <Button look="danger" icon="trash" onClick={() => setDeleting(true)}>
                Delete
              </Button>
            )}
          </>
        }
      >
        <Fetched query={query}>{children}</Fetched>
      </Drawer>
      <Confirm
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        title={`Delete ${wordOf(log)} from the logs?`}
        text="The sums no longer count it. What was spent stays spent."
        verb="Delete"
        onConfirm={remove}
      />
    </>
  );
}

/** When something ended; undefined while it runs. */
export function endOf({ timestamp, latency }: { timestamp: string; latency?: number | undefined }): string | undefined {
  if (latency === undefined) return undefined;
  return momentText(new Date(Date.parse(timestamp) + latency).toISOString());
}
