import { changePassword } from '../../data/accounts.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Button } from '../../ui/button.tsx';
import { FormProblem } from '../../ui/form-drawer.tsx';
import { FormText } from '../../ui/form-fields.tsx';
import { useForm } from '../../ui/form.ts';
import { Section } from '../../ui/page.tsx';
import { useToast } from '../../ui/toast.tsx';
import { useUnsaved } from '../../ui/unsaved.tsx';
import { PASSWORD_HINT } from '../password-hint.ts';

/** The password of whoever is signed in. */
export function OwnPasswordTab() {
  const { person } = useSession();
  const form = useForm({ current_password: '', new_password: '' });
  const toast = useToast();
  const { current_password, new_password } = form.draft;
  const { question } = useUnsaved(form, 'tab');
  if (person.user?.origin !== 'local') {
    return <p className="text-muted">Your password is not kept here: your identity provider checks it.</p>;
  }
  async function save(): Promise<void> {
    if (await form.save(() => changePassword(current_password, new_password))) toast.done('The password is changed.');
  }
  return (
    <Section title="Your password" text="Changing it ends your sessions in other browsers.">
      <form
        className="flex max-w-md flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <FormText
          form={form}
          field="current_password"
          label="Current password"
          type="password"
          autoComplete="current-password"
        />
        <FormText
          form={form}
          field="new_password"
          label="New password"
          hint={PASSWORD_HINT}
          type="password"
          autoComplete="new-password"
        />
        <FormProblem form={form} fields={['current_password', 'new_password']} />
        {question}
        <div>
          <Button type="submit" look="primary" isBusy={form.isSaving}>
            Change the password
          </Button>
        </div>
      </form>
    </Section>
  );
}
