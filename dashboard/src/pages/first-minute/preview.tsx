import type { SignIn } from '../../data/sign-ins.ts';
import type { FoundServer } from '../../import-config.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Input } from '../../ui/field.tsx';
import { TYPE_WORDS } from '../server-words.tsx';

/** A server that was found, and what became of it. */
export interface Candidate extends FoundServer {
  readonly isChosen: boolean;
  readonly status: 'waiting' | 'adding' | 'signing-in' | 'done' | 'failed';
  readonly error?: string | undefined;
  /** The server itself said no. */
  readonly isRefused?: boolean;
  /** It is registered once somebody has signed in here; `signing-in` only. */
  readonly signIn?: SignIn | undefined;
}

interface PreviewProps {
  readonly candidates: readonly Candidate[];
  readonly onCandidates: (next: readonly Candidate[]) => void;
  readonly isLocked: boolean;
  readonly onSignIn: (index: number) => void;
}

/** What was understood, to be chosen from and renamed before anything is stored. */
export function Preview({ candidates, onCandidates, isLocked, onSignIn }: PreviewProps) {
  const replace = (index: number, change: Partial<Candidate>): void =>
    onCandidates(candidates.map((candidate, at) => (at === index ? { ...candidate, ...change } : candidate)));
  return (
    <ul aria-label="Found servers" ref={focusIt} tabIndex={-1} className="flex flex-col divide-y rounded-md border">
      {candidates.map((candidate, index) => (
        <Row
          key={candidate.target + String(index)}
          candidate={candidate}
          isLocked={isLocked}
          onChange={(change) => replace(index, change)}
          onSignIn={() => onSignIn(index)}
        />
      ))}
    </ul>
  );
}

/** The button that was pressed is gone: the focus goes to what took its place. */
function focusIt(element: HTMLElement | null): void {
  element?.focus();
}

interface RowProps {
  readonly candidate: Candidate;
  readonly isLocked: boolean;
  readonly onChange: (change: Partial<Candidate>) => void;
  readonly onSignIn: () => void;
}

function Row({ candidate, isLocked, onChange, onSignIn }: RowProps) {
  const { body, target, notes, isChosen, status, error } = candidate;
  const isFixed = isLocked || status === 'done' || status === 'signing-in';
  return (
    <li className="flex flex-col gap-1.5 px-3 py-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <input
          type="checkbox"
          aria-label={`Add ${body.name}`}
          className="size-4 accent-accent"
          checked={isChosen}
          disabled={isFixed}
          onChange={(event) => onChange({ isChosen: event.target.checked })}
        />
        <div className="min-w-40 flex-1 sm:max-w-44">
          <Input
            aria-label={`Name of ${body.name}`}
            value={body.name}
            disabled={isFixed}
            onText={(name) => onChange({ body: { ...body, name } })}
          />
        </div>
        <Badge>{TYPE_WORDS[body.connection_type]}</Badge>
        <code className="min-w-0 flex-1 basis-40 truncate font-mono text-sm text-muted" title={target}>
          {target}
        </code>
        {status === 'adding' && <Badge tone="accent">connecting …</Badge>}
        {status === 'done' && <Badge tone="good">added</Badge>}
        {status === 'signing-in' && <Badge tone="warn">sign-in needed</Badge>}
        {status === 'failed' && <Badge tone="bad">not added</Badge>}
        {maySignIn(candidate) && (
          <Button look={status === 'signing-in' ? 'primary' : 'secondary'} onClick={onSignIn} disabled={isLocked}>
            Sign in
          </Button>
        )}
      </div>
      {notes.map((note) => (
        <p key={note} className="text-sm text-warn sm:pl-7">
          {note}
        </p>
      ))}
      {error !== undefined && (
        <p role="alert" className="text-sm break-words text-bad sm:pl-7">
          {error}
        </p>
      )}
    </li>
  );
}

/** A server on the web that refused may let the gateway in after a sign-in, unless it was given other credentials. */
function maySignIn({ status, isRefused = false, body: { connection_type, headers } }: Candidate): boolean {
  if (status === 'signing-in') return true;
  const isWeb = connection_type === 'http' || connection_type === 'sse';
  return status === 'failed' && isRefused && isWeb && headers === undefined;
}
