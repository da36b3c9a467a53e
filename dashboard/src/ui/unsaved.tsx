import { useBlocker } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';
import { Confirm } from './dialog.tsx';
import type { Form } from './form.ts';

/** The forms whose drafts would be lost with the page. */
const drafts = new Set<object>();

/** Whether leaving the page now would lose what somebody typed. */
export function hasDrafts(): boolean {
  return drafts.size > 0;
}

interface Unsaved {
  /** Closes what the form is in, once it is sure that nothing is lost. */
  readonly leave: (close: () => void) => void;
  /** Has to be rendered: it asks. */
  readonly question: ReactNode;
}

/**
 * Asks before what was typed is lost: by another page, by closing the form, by closing the window. A form on a tab is lost with
 * the tab, one of a page is not.
 */
export function useUnsaved(form: Pick<Form<object>, 'isDirty' | 'isSaving'>, on: 'page' | 'tab' = 'page'): Unsaved {
  // Whoever saves may go on to another page in the same breath.
  const isAtRisk = form.isDirty && !form.isSaving;
  useEffect(() => {
    if (!form.isDirty) return undefined;
    const draft = {};
    drafts.add(draft);
    return () => void drafts.delete(draft);
  }, [form.isDirty]);
  const [closing, setClosing] = useState<{ readonly close: () => void }>();
  const blocker = useBlocker({
    disabled: !isAtRisk,
    withResolver: true,
    shouldBlockFn: ({ current, next }) =>
      current.pathname !== next.pathname ||
      differsIn('id', current, next) || // what a drawer shows
      (on === 'tab' && differsIn('tab', current, next)),
  });
  const stay = (): void => {
    setClosing(undefined);
    blocker.reset?.();
  };
  return {
    leave(close) {
      // While it is saved nobody knows yet whether it may close: a refusal has to show.
      if (form.isSaving) return;
      if (isAtRisk) setClosing({ close });
      else close();
    },
    question: (
      <Confirm
        isOpen={closing !== undefined || blocker.status === 'blocked'}
        onClose={stay}
        title="Leave without saving?"
        text="What you have changed here is not saved, and would be lost."
        verb="Leave"
        cancel="Stay"
        onConfirm={async () => {
          closing?.close();
          blocker.proceed?.();
          await Promise.resolve();
        }}
      />
    ),
  };
}

function differsIn(
  word: 'id' | 'tab',
  current: { readonly search: object },
  next: { readonly search: object },
): boolean {
  const read = (search: { readonly [K in typeof word]?: unknown }): unknown => search[word];
  return read(current.search) !== read(next.search);
}
