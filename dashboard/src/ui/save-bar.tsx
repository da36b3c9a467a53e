import { Button } from './button.tsx';
import type { Form } from './form.ts';
import { Conflicts, Problem } from './states.tsx';
import { useUnsaved } from './unsaved.tsx';

interface SaveBarProps<T extends object> {
  readonly form: Form<T>;
  /** Absent in a form, which its button sends. */
  readonly onSave?: () => void;
  /** The fields that show what is wrong with them. */
  readonly fields: readonly string[];
  /** Where the form is. */
  readonly on?: 'page' | 'tab';
}

/** Says what is changed but not saved, and saves it. It stays in sight. */
export function SaveBar<T extends object>({ form, onSave, fields, on = 'page' }: SaveBarProps<T>) {
  const { changes, error, isDirty, isSaving } = form;
  const { question } = useUnsaved(form, on);
  if (!isDirty && error === undefined) return null;
  const names = Object.keys(changes);
  // What stands beside a field need not be said twice.
  const isShown = fields.some((field) => form.errorAt(field) !== undefined);
  return (
    <div
      className="sticky bottom-0 z-20 -mx-4 -mb-4 border-t bg-surface px-4 py-3 md:-mx-6 md:-mb-6 md:px-6"
      role="region"
      aria-label="Unsaved changes"
    >
      <Conflicts form={form} />
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 flex-1 text-sm" aria-live="polite">
          {names.length === 1 ? '1 change' : `${names.length} changes`}
          <span className="text-muted">: {names.join(', ')}</span>
        </p>
        <Button onClick={form.discard} disabled={isSaving}>
          Discard
        </Button>
        <Button
          look="primary"
          {...(onSave === undefined ? { type: 'submit' } : { onClick: onSave })}
          isBusy={isSaving}
          disabled={!isDirty}
        >
          Save
        </Button>
      </div>
      {error !== undefined &&
        (isShown ? (
          <p role="alert" className="mt-2 text-sm text-bad">
            Nothing was saved: see the marked field.
          </p>
        ) : (
          <Problem error={error} />
        ))}
      {question}
    </div>
  );
}
