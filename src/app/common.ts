import type { Stores } from '../config/open-stores.ts';
import type { ClientSettings } from '../contract/client-settings.ts';
import type { ConfigFile } from '../contract/config.ts';
import type { Egress } from '../lib/egress.ts';
import type { Logger } from '../lib/logger.ts';
import type { Timing } from '../mcp/upstream/watch.ts';
import type { Changes } from '../store/changes.ts';
import type { Cluster } from '../store/cluster.ts';

/** What every group of parts is built with. */
export interface Common {
  readonly file: ConfigFile;
  readonly stores: Stores;
  readonly changes: Changes;
  /** The other processes on the same database; undefined where there can be none. */
  readonly cluster: Cluster | undefined;
  /** The gateway-wide settings as they are now. */
  readonly settings: () => ClientSettings;
  /** The way out for all HTTP. */
  readonly egress: Egress;
  readonly timing: Timing;
  readonly logger: Logger;
  readonly onError: (error: unknown) => void;
  /** What must be closed, in the opposite order. */
  readonly cleanup: AsyncDisposableStack;
}
