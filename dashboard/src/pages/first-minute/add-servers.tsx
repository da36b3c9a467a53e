import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { McpClientView } from '../../../../src/contract/mcp-client.ts';
import { toApiError } from '../../api.ts';
import { keys } from '../../data/keys.ts';
import { createServer } from '../../data/servers.ts';
import { findServers } from '../../import-config.ts';
import { Button } from '../../ui/button.tsx';
import { Field, TextArea } from '../../ui/field.tsx';
import { useToast } from '../../ui/toast.tsx';
import { StateBadge } from '../server-words.tsx';
import { isSignInDue, SignInButton, SignInDialog, signInOf, usesSignIn } from '../sign-in-dialog.tsx';
import { Preview, type Candidate } from './preview.tsx';

const EXAMPLE = `https://mcp.example.com/mcp
npx -y @modelcontextprotocol/server-memory
{ "mcpServers": { … } }`;

/** Takes whatever people have of a server, shows what it understood, and registers it. */
export function AddServers({ servers }: { servers: readonly McpClientView[] }) {
  const [text, setText] = useState('');
  const [fault, setFault] = useState<string>();
  const [candidates, setCandidates] = useState<readonly Candidate[]>([]);
  const { isImporting, run } = useImport(candidates, setCandidates);
  const signIn = useSignIn(candidates, setCandidates);

  function preview(): void {
    const found = findServers(text);
    if ('fault' in found) return setFault(found.fault);
    setFault(undefined);
    setCandidates(found.servers.map((server) => ({ ...server, isChosen: true, status: 'waiting' })));
  }

  function close(): void {
    setCandidates([]);
    setText('');
  }

  const chosen = candidates.filter(isToAdd).length;
  return (
    <div className="flex flex-col gap-4">
      {servers.length > 0 && <Registered servers={servers} />}
      {candidates.length === 0 ? (
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            preview();
          }}
        >
          <Field
            label="Paste a URL, a command, or the JSON of a Claude, Cursor or VS Code configuration"
            hint="Nothing is stored before you have seen it. A command runs on the machine of the gateway."
            error={fault}
          >
            <TextArea rows={5} value={text} onText={setText} placeholder={EXAMPLE} />
          </Field>
          <div>
            <Button type="submit" look={servers.length === 0 ? 'primary' : 'secondary'} disabled={text.trim() === ''}>
              Look at it
            </Button>
          </div>
        </form>
      ) : (
        <>
          <Preview
            candidates={candidates}
            onCandidates={setCandidates}
            isLocked={isImporting}
            onSignIn={(index) => void signIn.begin(index)}
          />
          <SignInDialog
            signIn={signIn.signIn}
            onClose={signIn.close}
            onDone={() => {
              if (signIn.finish()) close();
            }}
          />
          <div className="flex flex-wrap gap-2">
            {chosen > 0 && (
              <Button
                look="primary"
                isBusy={isImporting}
                onClick={() => void run().then((isAllDone) => isAllDone && close())}
              >
                {chosen === 1 ? 'Add the server' : `Add ${chosen} servers`}
              </Button>
            )}
            <Button disabled={isImporting} onClick={() => setCandidates([])}>
              Back
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

/** Registers one after the other, so that one that fails is seen beside its reason and keeps none of the others. */
function useImport(candidates: readonly Candidate[], setCandidates: (next: readonly Candidate[]) => void) {
  const [isImporting, setImporting] = useState(false);
  const queries = useQueryClient();
  const toast = useToast();

  async function run(): Promise<boolean> {
    setImporting(true);
    const next = [...candidates];
    for (const [index, candidate] of candidates.entries()) {
      if (!isToAdd(candidate)) continue;
      next[index] = { ...candidate, status: 'adding' };
      setCandidates([...next]);
      next[index] = await add(candidate);
      setCandidates([...next]);
    }
    await queries.invalidateQueries({ queryKey: keys.servers });
    setImporting(false);
    const done = next.filter(({ status }) => status === 'done').length;
    if (done > 0) toast.done(done === 1 ? 'The server is added.' : `${done} servers are added.`);
    return next.every(isSettled);
  }
  return { isImporting, run };
}

/** The sign-in that is under way in a dialog, for the candidate at this place. */
function useSignIn(candidates: readonly Candidate[], setCandidates: (next: readonly Candidate[]) => void) {
  const [place, setPlace] = useState<number>();
  const candidate = place === undefined ? undefined : candidates[place];

  return {
    signIn: candidate?.signIn && { ...candidate.signIn, name: candidate.body.name },
    close: () => setPlace(undefined),
    async begin(index: number): Promise<void> {
      const chosen = candidates[index];
      if (chosen === undefined) return;
      if (chosen.signIn === undefined) {
        setCandidates(candidates.with(index, { ...chosen, status: 'adding' }));
        const body = { ...chosen.body, auth_type: 'oauth' as const, oauth_config: {} };
        setCandidates(candidates.with(index, await add({ ...chosen, body })));
      }
      setPlace(index);
    },
    /** Marks it as done; gives true when nothing is left to do. */
    finish(): boolean {
      if (place === undefined || candidate === undefined) return false;
      const next = candidates.with(place, { ...candidate, status: 'done', signIn: undefined });
      setCandidates(next);
      return next.every(isSettled);
    },
  };
}

function isToAdd({ isChosen, status }: Candidate): boolean {
  return isChosen && status !== 'done' && status !== 'signing-in';
}

function isSettled({ isChosen, status }: Candidate): boolean {
  return !isChosen || status === 'done';
}

async function add(candidate: Candidate): Promise<Candidate> {
  try {
    const signIn = signInOf(await createServer(candidate.body));
    return { ...candidate, status: signIn === undefined ? 'done' : 'signing-in', signIn, error: undefined };
  } catch (error) {
    const { message, code } = toApiError(error);
    return { ...candidate, status: 'failed', error: message, isRefused: code === 'upstream_refused' };
  }
}

function Registered({ servers }: { servers: readonly McpClientView[] }) {
  return (
    <ul className="flex flex-col divide-y rounded-md border">
      {servers.slice(0, 8).map((server) => (
        <li key={server.config.client_id} className="flex h-10 items-center gap-3 px-3">
          <Link
            to="/workspace/mcp-registry/$id"
            params={{ id: server.config.client_id }}
            className="min-w-0 truncate font-medium hover:underline"
          >
            {server.config.name}
          </Link>
          <StateBadge server={server} />
          {isSignInDue(server.state) && usesSignIn(server.config) && <SignInButton server={server} />}
          <span className="ml-auto text-sm whitespace-nowrap text-muted">{server.tools.length} tools</span>
        </li>
      ))}
      {servers.length > 8 && <li className="px-3 py-2 text-sm text-muted">and {servers.length - 8} more</li>}
    </ul>
  );
}
