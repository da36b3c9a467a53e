import { useQueryClient } from '@tanstack/react-query';
import type { Role } from '../../../../src/contract/account.ts';
import { createUser, updateUser, type NewUser, type User } from '../../data/accounts.ts';
import { keys } from '../../data/keys.ts';
import { Field, Input } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { useForm } from '../../ui/form.ts';
import { Select } from '../../ui/select.tsx';
import { useToast } from '../../ui/toast.tsx';

/** The roles, from little to everything. */
export const ROLE_OPTIONS = [
  { value: 'viewer', label: 'viewer' },
  { value: 'editor', label: 'editor' },
  { value: 'admin', label: 'admin' },
] as const satisfies readonly { value: Role; label: string }[];

/** What a new password needs. */
export const PASSWORD_HINT = 'At least 12 characters, with upper case, lower case, a digit and a symbol.';

/** Makes an account. */
export function AddAccount({ onClose }: { onClose: () => void }) {
  const form = useForm<NewUser>({ username: '', password: '', role: 'viewer' });
  const queries = useQueryClient();

  async function create(): Promise<void> {
    const isDone = await form.save(() => createUser(form.draft));
    await queries.invalidateQueries({ queryKey: keys.users });
    if (isDone) onClose();
  }
  return (
    <FormDialog
      form={form}
      title="Add an account"
      verb="Add"
      fields={['username', 'password', 'role']}
      onClose={onClose}
      onSubmit={create}
    >
      <Field label="User name" error={form.errorAt('username')}>
        <Input autoComplete="off" value={form.draft.username} onText={(text) => form.set('username', text)} />
      </Field>
      <Field label="Password" hint={PASSWORD_HINT} error={form.errorAt('password')}>
        <Input
          type="password"
          autoComplete="new-password"
          value={form.draft.password}
          onText={(text) => form.set('password', text)}
        />
      </Field>
      <Field label="Role" error={form.errorAt('role')}>
        <Select value={form.draft.role} options={ROLE_OPTIONS} onValue={(role) => form.set('role', role)} />
      </Field>
    </FormDialog>
  );
}

/** Gives somebody a new password. */
export function SetPassword({ user, onClose }: { user: User; onClose: () => void }) {
  const form = useForm({ password: '' });
  const toast = useToast();
  async function save(): Promise<void> {
    if (!(await form.save(() => updateUser(user.id, form.draft)))) return;
    toast.done(`${user.username} has a new password.`);
    onClose();
  }
  return (
    <FormDialog
      form={form}
      title={`New password for "${user.username}"`}
      description="Their sessions end."
      verb="Set"
      fields={['password']}
      onClose={onClose}
      onSubmit={save}
    >
      <Field label="New password" hint={PASSWORD_HINT} error={form.errorAt('password')}>
        <Input
          type="password"
          autoComplete="new-password"
          value={form.draft.password}
          onText={(text) => form.set('password', text)}
        />
      </Field>
    </FormDialog>
  );
}
