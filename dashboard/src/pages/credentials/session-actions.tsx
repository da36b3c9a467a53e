import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { McpReauth, McpSession } from '../../../../src/contract/mcp-session.ts';
import { keys } from '../../data/keys.ts';
import { renewSession, revokeSession } from '../../data/sessions.ts';
import { IconButton } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { useToast } from '../../ui/toast.tsx';

/** Whose a credential is, in words. */
export function holderOf({ user, virtual_key, session_id, label }: McpSession): string {
  const name = user?.name ?? virtual_key?.name ?? `session ${session_id ?? ''}`;
  return label === '' ? name : `${name} (${label})`;
}

/** Renews or revokes a credential. */
export function SessionActions({ session }: { session: McpSession }) {
  const queries = useQueryClient();
  const toast = useToast();
  const [isRevoking, setRevoking] = useState(false);
  const [link, setLink] = useState<McpReauth>();
  const name = `${holderOf(session)} at ${session.mcp_client.name}`;
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: keys.sessions });

  async function renew(): Promise<void> {
    try {
      setLink(await renewSession(session.id));
    } catch (error) {
      toast.failed(error);
    }
    await refresh();
  }

  return (
    <span className="flex gap-1">
      {session.can_reauth && <IconButton icon="refresh" label={`Reauthorize ${name}`} onClick={() => void renew()} />}
      <IconButton icon="trash" label={`Revoke ${name}`} onClick={() => setRevoking(true)} />
      <Confirm
        isOpen={isRevoking}
        onClose={() => setRevoking(false)}
        title={`Revoke the credential of ${name}?`}
        text="The gateway forgets it; the server is not told. The next call of its holder is asked for a new one."
        verb="Revoke"
        onConfirm={async () => {
          await revokeSession(session.id);
          await refresh();
          toast.done(`The credential of ${name} is forgotten.`);
        }}
      />
      {link !== undefined && (
        <Dialog
          isOpen
          onClose={() => setLink(undefined)}
          title={`Reauthorize ${name}`}
          description="Whoever the credential belongs to opens this link, once. Send it to nobody else."
        >
          <CodeBlock label="Link" text={link.submit_url ?? link.authorize_url} />
        </Dialog>
      )}
    </span>
  );
}
