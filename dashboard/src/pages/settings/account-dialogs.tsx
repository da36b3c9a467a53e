import { useQueryClient } from '@tanstack/react-query';
import type { Role } from '../../../../src/contract/account.ts';
import { createUser, updateUser, type NewUser, type User } from '../../data/accounts.ts';
import { keys } from '../../data/keys.ts';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { FormSelect, FormText } from '../../ui/form-fields.tsx';
import { useForm } from '../../ui/form.ts';
import { useToast } from '../../ui/toast.tsx';
import { PASSWORD_HINT } from '../password-hint.ts';

/** The roles, from little to everything. */
export const ROLE_OPTIONS = [
  { value: 'viewer', label: 'viewer' },
  { value: 'editor', label: 'editor' },
  { value: 'admin', label: 'admin' },
] as const satisfies readonly { value: Role; label: string }[];

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
      <FormText form={form} field="username" label="User name" autoComplete="off" />
      <FormText
        form={form}
        field="password"
        label="Password"
        hint={PASSWORD_HINT}
        type="password"
        autoComplete="new-password"
      />
      <FormSelect form={form} field="role" label="Role" options={ROLE_OPTIONS} />
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
      <FormText
        form={form}
        field="password"
        label="New password"
        hint={PASSWORD_HINT}
        type="password"
        autoComplete="new-password"
      />
    </FormDialog>
  );
}
