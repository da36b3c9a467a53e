import type { Passwords } from '../lib/password.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Changes } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import type { SessionStore } from '../store/sessions.ts';
import type { SettingsStore } from '../store/settings.ts';
import type { UserStore } from '../store/users.ts';

/** What everything about accounts is built with. */
export interface AccountDeps {
  readonly database: Pick<Database, 'dialect' | 'transaction'>;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly settings: Pick<SettingsStore, 'with' | 'get'>;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly changes: Pick<Changes, 'publish'>;
  readonly passwords: Passwords;
}
