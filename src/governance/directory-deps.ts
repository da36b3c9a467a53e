import type { ClientSettings } from '../contract/client-settings.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Changes } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { ViewContext } from './entity-views.ts';
import type { WindowEnd } from './key-changes.ts';

/** What the directory works with. */
export interface DirectoryDeps extends ViewContext {
  readonly database: Pick<Database, 'dialect' | 'transaction'>;
  readonly stores: GovernanceStores;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly changes: Pick<Changes, 'publish'>;
  /** The settings as they are now. */
  readonly settings: () => Pick<ClientSettings, 'vk_rotation_cooldown' | 'delete_expired_virtual_keys'>;
  /** Sets what is used of these budgets to zero. */
  readonly resetUsage: (counterIds: readonly string[]) => Promise<void> | void;
  readonly windowEnd: WindowEnd;
}
