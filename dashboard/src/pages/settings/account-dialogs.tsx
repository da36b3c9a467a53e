import { useQueryClient } from '@tanstack/react-query';
import type { Role } from '../../../../src/contract/account.ts';
import { createUser, updateUser, type NewUser, type User } from '../../data/accounts.ts';
import { keys } from '../../data/keys.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { useForm } from '../../ui/form.ts';
import { Select } from '../../ui/select.tsx';
import { Problem } from '../../ui/states.tsx';
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
  const isShown = ['username', 'password', 'role'].some((field) => form.errorAt(field) !== undefined);

  async function create(): Promise<void> {
    const isDone = await form.save(() => createUser(form.draft));
    await queries.invalidateQueries({ queryKey: keys.users });
    if (isDone) onClose();
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Add an account"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" isBusy={form.isSaving} onClick={() => void create()}>
            Add
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
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
        {form.error !== undefined && !isShown && <Problem error={form.error} />}
      </div>
    </Dialog>
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
    <Dialog
      isOpen
      onClose={onClose}
      title={`New password for "${user.username}"`}
      description="Their sessions end."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" isBusy={form.isSaving} onClick={() => void save()}>
            Set
          </Button>
        </>
      }
    >
      <Field label="New password" hint={PASSWORD_HINT} error={form.errorAt('password')}>
        <Input
          type="password"
          autoComplete="new-password"
          value={form.draft.password}
          onText={(text) => form.set('password', text)}
        />
      </Field>
      {form.error !== undefined && form.errorAt('password') === undefined && <Problem error={form.error} />}
    </Dialog>
  );
}
