import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { clientSignInsQuery, endClientSignIn, type ClientSignIn } from '../../data/accounts.ts';
import { keys } from '../../data/keys.ts';
import { useSession } from '../../shell/session-context.tsx';
import { IconButton } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Fetched } from '../../ui/fetched.tsx';
import { Empty } from '../../ui/states.tsx';
import { Table, type Column } from '../../ui/table.tsx';
import { timeText } from '../server-words.tsx';

/** The MCP clients that signed in with OAuth. */
export function ClientSignInsTab() {
  const query = useQuery(clientSignInsQuery);
  const { canWrite } = useSession();
  const [ended, setEnded] = useState<ClientSignIn>();
  const queries = useQueryClient();
  return (
    <>
      <Fetched query={query}>
        {(signIns) =>
          signIns.length === 0 ? (
            <Empty
              icon="people"
              title="No client is signed in"
              text="Clients sign in with OAuth when the server sign-in mode is oauth or both. Those with a key in their headers are not listed."
            />
          ) : (
            <Table
              label="Clients that are signed in"
              rows={signIns}
              columns={columnsOf(canWrite, setEnded)}
              rowKey={({ id }) => id}
            />
          )
        }
      </Fetched>
      <Confirm
        isOpen={ended !== undefined}
        onClose={() => setEnded(undefined)}
        title={`Sign "${ended?.client_name ?? ''}" out?`}
        text="Its tokens stop working at once. It may sign in again."
        verb="Sign out"
        onConfirm={async () => {
          if (ended !== undefined) await endClientSignIn(ended.id);
          await queries.invalidateQueries({ queryKey: keys.clientSignIns });
        }}
      />
    </>
  );
}

function columnsOf(canWrite: boolean, onEnd: (signIn: ClientSignIn) => void): readonly Column<ClientSignIn>[] {
  return [
    { id: 'client', title: 'Client', cell: ({ client_name }) => <span className="font-medium">{client_name}</span> },
    { id: 'as', title: 'As', cell: ({ virtual_key, principal }) => virtual_key?.name ?? principal },
    { id: 'since', title: 'Since', from: 'md', width: 'w-36', cell: ({ created_at }) => timeText(created_at) },
    { id: 'used', title: 'Last used', width: 'w-36', cell: ({ last_used_at }) => timeText(last_used_at) },
    {
      id: 'end',
      title: '',
      width: 'w-16',
      cell: (signIn) =>
        canWrite && <IconButton icon="exit" label={`Sign ${signIn.client_name} out`} onClick={() => onEnd(signIn)} />,
    },
  ];
}
