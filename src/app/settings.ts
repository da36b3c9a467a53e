import type { Stores } from '../config/open-stores.ts';
import type { ClientSettings } from '../contract/client-settings.ts';
import { createOrder } from '../lib/in-order.ts';
import type { Changes } from '../store/changes.ts';

interface SettingsOptions {
  readonly stores: Pick<Stores, 'settings' | 'checkKey'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** The gateway-wide settings as they are now: read, and read again whenever any process has changed them. */
export async function openSettings(options: SettingsOptions): Promise<() => ClientSettings> {
  const { stores, changes, onChange, onError } = options;
  const inOrder = createOrder();
  const load = async (): Promise<ClientSettings> => (current = await stores.settings.loadClientSettings());
  let current: ClientSettings;

  // Before they are read for the first time: what changes from then on must not be missed.
  changes.subscribe(async (table) => {
    if (table !== 'settings') return;
    await stores.checkKey().catch(onError);
    await inOrder(load);
    onChange();
  });
  current = await inOrder(load);
  return () => current;
}
