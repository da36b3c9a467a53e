import { useQuery } from '@tanstack/react-query';
import { auditEntryQuery, type AuditEntry } from '../../data/audit.ts';
import { differencesOf, type Difference } from '../../difference.ts';
import { Drawer } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Problem, Skeleton } from '../../ui/states.tsx';
import { momentText } from '../logs/content.tsx';

/** One change: who, when, from where, and what was there before and after. */
export function AuditDetail({ id, onClose }: { id: string; onClose: () => void }) {
  const { data: entry, error } = useQuery(auditEntryQuery(id));
  const title = entry === undefined ? 'Change' : `${entry.action} ${entry.entity.replaceAll('_', ' ')}`;
  return (
    <Drawer isOpen onClose={onClose} title={title} {...(entry && { description: entry.entity_name })}>
      {error !== null && <Problem error={error} />}
      {entry === undefined ? error === null && <Skeleton /> : <Entry entry={entry} />}
    </Drawer>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const differences = differencesOf(entry.before, entry.after);
  return (
    <div className="flex flex-col gap-5">
      <Facts
        facts={{
          Who: `${entry.actor_name} (${entry.actor})`,
          When: momentText(entry.at),
          What: `${entry.entity_name} (${entry.entity_id})`,
          Request: entry.request && `${entry.request.method} ${entry.request.path}`,
          From: entry.request?.ip,
          'Request id': entry.request?.request_id,
          Number: String(entry.id),
          Hash: <span className="font-mono text-xs break-all">{entry.hash}</span>,
        }}
      />
      <section>
        <h3 className="pb-1 text-sm font-semibold">Before and after</h3>
        {differences.length === 0 ? (
          <p className="text-sm text-muted">Nothing that can be read differs.</p>
        ) : (
          <ul className="flex flex-col gap-2" aria-label="Differences">
            {differences.map((difference) => (
              <DifferenceItem key={difference.path} difference={difference} />
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

function DifferenceItem({ difference: { path, kind, before, after } }: { difference: Difference }) {
  return (
    <li className="overflow-hidden rounded-md border font-mono text-xs">
      <p className="border-b bg-raised px-2 py-1 break-all">{path === '' ? 'all of it' : path}</p>
      {kind !== 'added' && (
        <p className="bg-bad-soft px-2 py-1 break-all whitespace-pre-wrap text-bad">
          <span className="sr-only">before: </span>
          <span aria-hidden="true">− </span>
          {JSON.stringify(before)}
        </p>
      )}
      {kind !== 'removed' && (
        <p className="bg-good-soft px-2 py-1 break-all whitespace-pre-wrap text-good">
          <span className="sr-only">after: </span>
          <span aria-hidden="true">+ </span>
          {JSON.stringify(after)}
        </p>
      )}
    </li>
  );
}
