import type { FoundServer } from '../../import-config.ts';
import { Badge } from '../../ui/badge.tsx';
import { Input } from '../../ui/field.tsx';
import { TYPE_WORDS } from '../server-words.tsx';

/** A server that was found, and what became of it. */
export interface Candidate extends FoundServer {
  readonly isChosen: boolean;
  readonly status: 'waiting' | 'adding' | 'done' | 'failed';
  readonly error?: string | undefined;
}

interface PreviewProps {
  readonly candidates: readonly Candidate[];
  readonly onCandidates: (next: readonly Candidate[]) => void;
  readonly isLocked: boolean;
}

/** What was understood, to be chosen from and renamed before anything is stored. */
export function Preview({ candidates, onCandidates, isLocked }: PreviewProps) {
  const replace = (index: number, change: Partial<Candidate>): void =>
    onCandidates(candidates.map((candidate, at) => (at === index ? { ...candidate, ...change } : candidate)));
  return (
    <ul aria-label="Found servers" className="flex flex-col divide-y rounded-md border">
      {candidates.map((candidate, index) => (
        <Row
          key={candidate.target + String(index)}
          candidate={candidate}
          isLocked={isLocked || candidate.status === 'done'}
          onChange={(change) => replace(index, change)}
        />
      ))}
    </ul>
  );
}

interface RowProps {
  readonly candidate: Candidate;
  readonly isLocked: boolean;
  readonly onChange: (change: Partial<Candidate>) => void;
}

function Row({ candidate: { body, target, notes, isChosen, status, error }, isLocked, onChange }: RowProps) {
  return (
    <li className="flex flex-col gap-1.5 px-3 py-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <input
          type="checkbox"
          aria-label={`Add ${body.name}`}
          className="size-4 accent-accent"
          checked={isChosen}
          disabled={isLocked}
          onChange={(event) => onChange({ isChosen: event.target.checked })}
        />
        <div className="min-w-40 flex-1 sm:max-w-44">
          <Input
            aria-label={`Name of ${body.name}`}
            value={body.name}
            disabled={isLocked}
            onText={(name) => onChange({ body: { ...body, name } })}
          />
        </div>
        <Badge>{TYPE_WORDS[body.connection_type]}</Badge>
        <code className="min-w-0 flex-1 basis-40 truncate font-mono text-sm text-muted" title={target}>
          {target}
        </code>
        {status === 'adding' && <Badge tone="accent">connecting …</Badge>}
        {status === 'done' && <Badge tone="good">added</Badge>}
        {status === 'failed' && <Badge tone="bad">not added</Badge>}
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
