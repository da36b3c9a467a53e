import { useQuery } from '@tanstack/react-query';
import { auditEntryQuery, type AuditEntry } from '../../data/audit.ts';
import { differencesOf } from '../../difference.ts';
import { Drawer } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Fetched } from '../../ui/fetched.tsx';
import { momentText } from '../logs/content.tsx';
import { Differences } from './differences.tsx';
import { Undo } from './undo/undo.tsx';

/** One change: who, when, from where, what was there before and after, and taking it back. */
export function AuditDetail({ id, onClose }: { id: string; onClose: () => void }) {
  const query = useQuery(auditEntryQuery(id));
  const entry = query.data;
  const title = entry === undefined ? 'Change' : `${entry.action} ${entry.entity.replaceAll('_', ' ')}`;
  return (
    <Drawer
      isOpen
      onClose={onClose}
      title={title}
      {...(entry && {
        description: entry.entity_name,
        actions: entry.action === 'update' && <Undo entry={entry} onDone={onClose} />,
      })}
    >
      <Fetched query={query}>{(found) => <Entry entry={found} />}</Fetched>
    </Drawer>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
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
      <Differences
        title="Differences"
        words={['before', 'after']}
        differences={differencesOf(entry.before, entry.after)}
        absent="Nothing that can be read differs."
      />
    </div>
  );
}
