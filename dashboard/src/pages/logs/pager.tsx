import { countText } from '../../numbers.ts';
import { Button } from '../../ui/button.tsx';
import { PAGE_ROWS } from './search.ts';

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
