import { useId, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { FormProblem } from './form-drawer.tsx';
import type { Form } from './form.ts';
import { useUnsaved } from './unsaved.tsx';

interface FormDialogProps<T extends object> {
  readonly form: Form<T>;
  readonly title: string;
  readonly description?: string;
  /** What the button does. */
  readonly verb: string;
  /** The fields that show what is wrong with them. */
  readonly fields: readonly string[];
  readonly onClose: () => void;
  readonly onSubmit: () => Promise<unknown>;
  readonly children: ReactNode;
}

/** A few fields in a window over the page; Enter sends them. */
export function FormDialog<T extends object>(props: FormDialogProps<T>) {
  const { form, title, description, verb, fields, onClose, onSubmit, children } = props;
  const id = useId();
  const { leave, question } = useUnsaved(form);
  return (
    <Dialog
      isOpen
      onClose={() => leave(onClose)}
      title={title}
      {...(description === undefined ? {} : { description })}
      actions={
        <>
          <Button onClick={() => leave(onClose)}>Cancel</Button>
          <Button type="submit" form={id} look="primary" isBusy={form.isSaving}>
            {verb}
          </Button>
        </>
      }
    >
      <form
        id={id}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void onSubmit();
        }}
      >
        {children}
        <FormProblem form={form} fields={fields} />
      </form>
      {question}
    </Dialog>
  );
}
