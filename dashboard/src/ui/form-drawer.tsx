import { useState, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { Confirm, Drawer } from './dialog.tsx';
import type { Form } from './form.ts';
import { Conflicts, Problem } from './states.tsx';
import { useToast } from './toast.tsx';
import { useUnsaved } from './unsaved.tsx';

interface FormDrawerProps<T extends object> {
  readonly form: Form<T>;
  readonly title: string;
  /** The name of the thing, as it is said when it is saved or deleted. */
  readonly name: string;
  /** The fields that show what is wrong with them. */
  readonly fields: readonly string[];
  readonly isDisabled: boolean;
  readonly onClose: () => void;
  /** Stores the changed fields; a rejection shows in the drawer. */
  readonly onSave: (changes: Partial<T>) => Promise<unknown>;
  /** Absent for what does not exist yet. */
  readonly removal?: { readonly text: string; readonly run: () => Promise<unknown> } | undefined;
  readonly children: ReactNode;
}

/** One thing of a list in a window from the right: its fields, saving and deleting it. */
export function FormDrawer<T extends object>(props: FormDrawerProps<T>) {
  const { form, title, name, fields, isDisabled, onClose, onSave, removal, children } = props;
  const toast = useToast();
  const [isDeleting, setDeleting] = useState(false);
  const { leave, question } = useUnsaved(form);

  async function save(): Promise<void> {
    if (!(await form.save(onSave))) return;
    toast.done(`${name} is saved.`);
    onClose();
  }

  return (
    <Drawer
      isOpen
      onClose={() => leave(onClose)}
      title={title}
      actions={
        !isDisabled && (
          <>
            {removal !== undefined && (
              <Button icon="trash" look="danger" onClick={() => setDeleting(true)}>
                Delete
              </Button>
            )}
            <Button look="primary" isBusy={form.isSaving} onClick={() => void save()}>
              Save
            </Button>
          </>
        )
      }
    >
      <div className="flex flex-col gap-4">
        {children}
        <FormProblem form={form} fields={fields} />
      </div>
      {removal !== undefined && (
        <Confirm
          isOpen={isDeleting}
          onClose={() => setDeleting(false)}
          title={`Delete "${name}"?`}
          text={removal.text}
          verb="Delete"
          onConfirm={async () => {
            await removal.run();
            toast.done(`${name} is deleted.`);
            onClose();
          }}
        />
      )}
      {question}
    </Drawer>
  );
}

/** What is wrong with a form and shown by none of its fields. */
export function FormProblem<T extends object>({ form, fields }: { form: Form<T>; fields: readonly string[] }) {
  const isShown = fields.some((field) => form.errorAt(field) !== undefined);
  return (
    <>
      <Conflicts form={form} />
      {form.error === undefined || isShown ? null : <Problem error={form.error} />}
    </>
  );
}
