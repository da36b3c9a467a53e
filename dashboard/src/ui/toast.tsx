import { createContext, use, useCallback, useState, type ReactNode } from 'react';
import { toApiError } from '../api.ts';
import { IconButton } from './button.tsx';
import { classes } from './classes.ts';

interface Toast {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

interface ToastApi {
  /** Says that something is done. */
  done(text: string): void;
  /** Says that something failed where no form can show it. */
  failed(error: unknown): void;
}

const Toasts = createContext<ToastApi>({ done: () => {}, failed: () => {} });
const SHOWN_MS = 5_000;
/** What went wrong takes longer to read, and may need to be copied. */
const FAILED_MS = 15_000;

/** Short notices in the corner. */
export const useToast = (): ToastApi => use(Toasts);

/** Holds the notices; stands once around the whole application. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const remove = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const add = useCallback(
    (tone: Toast['tone'], text: string) => {
      const id = performance.now();
      setToasts((all) => [...all.slice(-2), { id, tone, text }]);
      setTimeout(() => remove(id), tone === 'good' ? SHOWN_MS : FAILED_MS);
    },
    [remove],
  );
  const [api] = useState<ToastApi>(() => ({
    done: (text) => add('good', text),
    failed: (error) => add('bad', toApiError(error).message),
  }));
  return (
    <Toasts value={api}>
      {children}
      {/* Above the bars whose buttons save. */}
      <div
        role="status"
        aria-live="polite"
        className="pointer-events-none fixed right-4 bottom-20 left-4 z-50 flex flex-col items-end gap-2"
      >
        {toasts.map(({ id, tone, text }) => (
          <div
            key={id}
            className={classes(
              'pointer-events-auto flex max-w-md items-start gap-2 rounded-md border bg-surface py-1.5 pr-1.5 pl-3 text-sm shadow-lg',
              'border-l-4',
              tone === 'good' ? 'border-l-good' : 'border-l-bad',
            )}
          >
            <p className="py-1.5 break-words">{text}</p>
            <IconButton icon="close" label="Dismiss" onClick={() => remove(id)} />
          </div>
        ))}
      </div>
    </Toasts>
  );
}
