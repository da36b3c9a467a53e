import { changePassword } from '../../data/accounts.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Button } from '../../ui/button.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { FormProblem } from '../../ui/form-drawer.tsx';
import { useForm } from '../../ui/form.ts';
import { Section } from '../../ui/page.tsx';
import { useToast } from '../../ui/toast.tsx';
import { useUnsaved } from '../../ui/unsaved.tsx';
import { PASSWORD_HINT } from './account-dialogs.tsx';

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
        <Field label="Current password" error={form.errorAt('current_password')}>
          <Input
            type="password"
            autoComplete="current-password"
            value={current_password}
            onText={(text) => form.set('current_password', text)}
          />
        </Field>
        <Field label="New password" hint={PASSWORD_HINT} error={form.errorAt('new_password')}>
          <Input
            type="password"
            autoComplete="new-password"
            value={new_password}
            onText={(text) => form.set('new_password', text)}
          />
        </Field>
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
