import type { ReactNode } from 'react';
import { toApiError } from '../api.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

/** Says what went wrong, where it went wrong. */
export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { message, code, status } = toApiError(error);
  return (
    <div role="alert" className="mt-3 flex items-start gap-2 rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
      <Icon name="warn" className="mt-0.5 size-4" />
      <p className="min-w-0 flex-1 break-words">
        {message} {status > 0 && <span className="font-mono text-xs whitespace-nowrap">({code})</span>}
      </p>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** Says what somebody else has changed since it was changed here. */
export function Conflicts({ form: { conflicts } }: { form: { readonly conflicts: readonly string[] } }) {
  if (conflicts.length === 0) return null;
  return (
    <p role="alert" className="mb-2 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
      Somebody else has changed {conflicts.join(', ')} meanwhile. Saving replaces what they did.
    </p>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
  /** The next step. */
  readonly action?: ReactNode;
}

/** What stands where nothing is yet: why, and what to do about it. */
export function Empty({ icon, title, text, action }: EmptyProps) {
  return (
    <div className="flex flex-col items-center gap-2 rounded-lg border border-dashed px-6 py-12 text-center">
      <Icon name={icon} className="size-6 text-muted" />
      <h2 className="text-base font-semibold">{title}</h2>
      <p className="max-w-prose text-muted">{text}</p>
      {action !== undefined && <div className="mt-2">{action}</div>}
    </div>
  );
}

/** Grey lines in the place of what is being fetched, as high as what will come. */
export function Skeleton({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div role="status" className="flex flex-col gap-2 py-1">
      <span className="sr-only">{label}</span>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} aria-hidden="true" className="h-9 animate-pulse rounded-md bg-raised" />
      ))}
    </div>
  );
}
