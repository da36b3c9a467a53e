import type { AuditStore } from '../store/audit.ts';
import type { Executor } from '../store/schema.ts';
import type { SettingsStore } from '../store/settings.ts';
import { writeInTurn, type InTurn } from '../store/write-lock.ts';
import { describeChange, type Actor } from './audit.ts';

interface Deps {
  readonly database: InTurn;
  readonly settings: Pick<SettingsStore, 'with'>;
  readonly audit: Pick<AuditStore, 'with'>;
}

/**
 * Stores a change of the gateway-wide settings and records it, both or neither; one after the other, as each member of a group of
 * settings is stored with the others. `write` may do more in the same transaction.
 */
export function saveSettings(
  { database, settings, audit }: Deps,
  actor: Actor,
  write: (store: SettingsStore, tx: Executor) => Promise<void>,
): Promise<void> {
  return writeInTurn(database, async (tx) => {
    const stored = settings.with(tx);
    const before = await stored.loadClientSettings();
    await write(stored, tx);
    const after = await stored.loadClientSettings();
    const subject = { action: 'update', entity: 'settings', id: 'client', name: 'client_config' } as const;
    await audit.with(tx).append(describeChange(actor, { ...subject, before, after }));
  });
}
