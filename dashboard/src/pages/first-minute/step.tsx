import type { ReactNode } from 'react';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/icon.tsx';

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly isDone?: boolean;
  /** Its turn has come. */
  readonly isOpen: boolean;
  readonly children: ReactNode;
}

/** One step of several. Those to come are named, so that nobody wonders how long it takes. */
export function Step({ number, title, isDone = false, isOpen, children }: StepProps) {
  return (
    <li className="rounded-lg border bg-surface">
      <h2 className={classes('flex items-center gap-3 px-4 py-3 font-semibold', !isOpen && 'text-muted')}>
        <span
          className={classes(
            'inline-flex size-6 items-center justify-center rounded-full text-xs',
            isDone ? 'bg-good-soft text-good' : isOpen ? 'bg-accent text-on-accent' : 'bg-raised text-muted',
          )}
        >
          {isDone ? <Icon name="check" /> : number}
        </span>
        {title}
        {isDone && <span className="sr-only">(done)</span>}
      </h2>
      {isOpen && <div className="border-t p-4">{children}</div>}
    </li>
  );
}
