import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useState } from 'react';
import type { McpClientView } from '../../../src/contract/mcp-client.ts';
import { keys } from '../data/keys.ts';
import { isPendingSignIn, runServerAction, type Written } from '../data/servers.ts';
import { signInQuery, type SignIn } from '../data/sign-ins.ts';
import { Button, buttonClasses } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Problem } from '../ui/states.tsx';
import { useToast } from '../ui/toast.tsx';

interface SignInDialogProps {
  /** What to sign in to; nothing is open without it. */
  readonly signIn: (SignIn & { readonly name: string }) | undefined;
  readonly onClose: () => void;
  /** It is done, and the server may be used. */
  readonly onDone?: () => void;
}

/** Leads through a sign-in: opens its page, sees when it is done, and has the gateway take over what waited for it. */
export function SignInDialog({ signIn, onClose, onDone }: SignInDialogProps) {
  return (
    <Dialog isOpen={signIn !== undefined} onClose={onClose} title={`Sign in to ${signIn?.name ?? ''}`}>
      {signIn !== undefined && <Steps signIn={signIn} onClose={onClose} onDone={onDone} />}
    </Dialog>
  );
}

interface StepsProps {
  readonly signIn: SignIn;
  readonly onClose: () => void;
  readonly onDone: (() => void) | undefined;
}

function Steps({ signIn, onClose, onDone }: StepsProps) {
  const { data: outcome, error, refetch } = useQuery(signInQuery(signIn));
  const queries = useQueryClient();
  const toast = useToast();
  const finish = useEffectEvent((text: string) => {
    toast.done(text);
    void queries.invalidateQueries({ queryKey: keys.servers });
    onDone?.();
    onClose();
  });
  useEffect(() => {
    if (outcome?.status === 'done') finish(outcome.text);
  }, [outcome]);

  if (outcome?.status === 'failed')
    return (
      <>
        <p role="alert" className="text-bad">
          {outcome.text}
        </p>
        <p className="mt-2 text-sm text-muted">Close this and try again.</p>
      </>
    );
  const { authorize_url } = signIn.pending;
  return (
    <div className="flex flex-col items-start gap-3">
      <p>
        The server wants somebody to sign in, at <strong className="font-medium">{new URL(authorize_url).host}</strong>.
        This window sees when it is done.
      </p>
      <a href={authorize_url} target="_blank" rel="noopener noreferrer" className={buttonClasses('primary')}>
        Open the sign-in page
      </a>
      <p className="text-sm text-muted" role="status">
        Waiting for the sign-in …
      </p>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
    </div>
  );
}

/** The sign-in that a write asks for, if it asks for one. */
export function signInOf(written: Written, stored?: McpClientView['config']): SignIn | undefined {
  if (!isPendingSignIn(written)) return undefined;
  return { pending: written, isNew: written.oauth_config_id !== stored?.oauth_config_id };
}

/** Signs in to a server that has to be signed in to, for the first time or once more. */
export function SignInButton({ server: { config, state } }: { server: McpClientView }) {
  const [signIn, setSignIn] = useState<SignIn>();
  const [isBusy, setBusy] = useState(false);
  const queries = useQueryClient();
  const toast = useToast();

  async function begin(): Promise<void> {
    setBusy(true);
    try {
      const written = await runServerAction(config.client_id, 'reauthorize');
      setSignIn(signInOf(written, config));
      // Some sign-ins need nobody: client_credentials.
      if (!isPendingSignIn(written)) toast.done(written.message);
      await queries.invalidateQueries({ queryKey: keys.servers });
    } catch (error) {
      toast.failed(error);
    }
    setBusy(false);
  }

  return (
    <>
      <Button look={isSignInDue(state) ? 'primary' : 'secondary'} isBusy={isBusy} onClick={() => void begin()}>
        {isSignInDue(state) ? 'Sign in' : 'Sign in again'}
      </Button>
      <SignInDialog signIn={signIn && { ...signIn, name: config.name }} onClose={() => setSignIn(undefined)} />
    </>
  );
}

/** Whether an administrator can sign in to the server. */
export function usesSignIn({ auth_type }: McpClientView['config']): boolean {
  return auth_type === 'oauth' || auth_type === 'per_user_oauth';
}

/** Whether a server waits for a sign-in. */
export function isSignInDue(state: McpClientView['state']): boolean {
  return state === 'needs_reauth' || state === 'pending_verification';
}
