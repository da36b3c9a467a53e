import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Role } from '../../../../src/contract/account.ts';
import { deleteUser, updateUser, usersQuery, type User } from '../../data/accounts.ts';
import { keys } from '../../data/keys.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Select } from '../../ui/select.tsx';
import { Problem, Skeleton } from '../../ui/states.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Table, type Column } from '../../ui/table.tsx';
import { useToast } from '../../ui/toast.tsx';
import { timeText } from '../server-words.tsx';
import { AddAccount, ROLE_OPTIONS, SetPassword } from './account-dialogs.tsx';

type Open = { readonly what: 'password' | 'delete'; readonly user: User } | { readonly what: 'add' };

/** Who may sign in to the dashboard, and as what. */
export function AccountsTab() {
  const { data, error, refetch } = useQuery(usersQuery);
  const [open, setOpen] = useState<Open>();
  const queries = useQueryClient();
  const toast = useToast();
  const { mutate } = useMutation({
    mutationFn: ({ user, change }: { user: User; change: { role?: Role; is_active?: boolean } }) =>
      updateUser(user.id, change),
    onSuccess: (_, { user }) => toast.done(`${user.username} is changed.`),
    onError: toast.failed,
    onSettled: () => queries.invalidateQueries({ queryKey: keys.users }),
  });
  const close = (): void => setOpen(undefined);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 flex-1 text-sm text-muted">
          A viewer reads, an editor also changes, an admin also manages accounts and API keys.
        </p>
        <Button look="primary" icon="plus" onClick={() => setOpen({ what: 'add' })}>
          Add an account
        </Button>
      </div>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton />}
      {data !== undefined && (
        <Table
          label="Accounts"
          rows={data}
          columns={columnsOf((user, change) => mutate({ user, change }), setOpen)}
          rowKey={({ id }) => id}
        />
      )}
      {open?.what === 'add' && <AddAccount onClose={close} />}
      {open?.what === 'password' && <SetPassword user={open.user} onClose={close} />}
      {open?.what === 'delete' && (
        <Confirm
          isOpen
          onClose={close}
          title={`Delete "${open.user.username}"?`}
          text="The account and its sessions are gone. What it did stays in the audit."
          verb="Delete"
          onConfirm={async () => {
            await deleteUser(open.user.id);
            await queries.invalidateQueries({ queryKey: keys.users });
          }}
        />
      )}
    </div>
  );
}

function columnsOf(
  onChange: (user: User, change: { role?: Role; is_active?: boolean }) => void,
  onOpen: (open: Open) => void,
): readonly Column<User>[] {
  return [
    { id: 'name', title: 'Name', cell: ({ username }) => <span className="font-medium">{username}</span> },
    {
      id: 'role',
      title: 'Role',
      width: 'w-32',
      cell: (user) => (
        <Select
          label={`Role of ${user.username}`}
          value={user.role}
          options={ROLE_OPTIONS}
          onValue={(role) => onChange(user, { role })}
        />
      ),
    },
    {
      id: 'origin',
      title: 'Signs in',
      from: 'lg',
      width: 'w-32',
      cell: ({ origin }) => (origin === 'sso' ? 'SSO' : 'password'),
    },
    {
      id: 'seen',
      title: 'Last sign-in',
      from: 'md',
      width: 'w-32',
      cell: ({ last_login_at }) => (last_login_at === null ? 'never' : timeText(last_login_at)),
    },
    {
      id: 'active',
      title: 'Active',
      width: 'w-16',
      cell: (user) => (
        <Switch
          label={`${user.username} is active`}
          showsLabel={false}
          isOn={user.is_active}
          onSwitch={(is_active) => onChange(user, { is_active })}
        />
      ),
    },
    {
      id: 'more',
      title: '',
      width: 'w-24',
      cell: (user) => (
        <>
          <IconButton
            icon="key"
            label={`New password for ${user.username}`}
            disabled={user.origin === 'sso'}
            onClick={() => onOpen({ what: 'password', user })}
          />
          <IconButton icon="trash" label={`Delete ${user.username}`} onClick={() => onOpen({ what: 'delete', user })} />
        </>
      ),
    },
  ];
}
