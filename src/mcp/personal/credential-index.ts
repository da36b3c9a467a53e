import { GatewayError } from '../../lib/errors.ts';
import { createOrder } from '../../lib/in-order.ts';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import type { ChangeListener, Changes } from '../../store/changes.ts';
import type { Holder, IdentityMode } from '../../store/holder.ts';
import { apiKeyIdentity } from '../../store/identities.ts';
import type { CredentialFilter, HeaderCredential, HeaderCredentialStore } from '../../store/header-credentials.ts';

interface IndexDeps {
  readonly store: Pick<HeaderCredentialStore, 'list'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  /** A credential is other than before, or gone. */
  readonly onChange: (credential: HeaderCredential) => void;
  readonly onError: (error: unknown) => void;
}

/** The credentials of all callers in memory, so that a call costs one look-up. */
export interface CredentialIndex {
  /** Reads them for the first time, and rejects if that fails. */
  load(): Promise<void>;
  /** Reads one anew, which another process may have changed. */
  refresh(id: string): Promise<void>;
  /** Throws `database_unavailable` when nobody can tell. */
  get(id: string): HeaderCredential | undefined;
  /** Those of one identity on one server, by label. */
  of(client_id: string, holder: Pick<Holder, 'mode' | 'identity'>): ReadonlyMap<string, HeaderCredential>;
  all(): Iterable<HeaderCredential>;
}

const NONE: ReadonlyMap<string, HeaderCredential> = new Map();

/** What the row of another table takes with it when it goes. */
const IDENTITIES: Readonly<Record<string, (id: string) => { mode: IdentityMode; identity: string }>> = {
  virtual_keys: (identity) => ({ mode: 'vk', identity }),
  api_keys: (id) => ({ mode: 'user', identity: apiKeyIdentity(id) }),
  users: (identity) => ({ mode: 'user', identity }),
};

/** Follows the changes of credentials, and of what takes credentials with it. */
export function createCredentialIndex({ store, changes, onChange, onError }: IndexDeps): CredentialIndex {
  const byId = new Map<string, HeaderCredential>();
  const byHolder = new Map<string, Map<string, HeaderCredential>>();
  const inOrder = createOrder();
  // False after a failed reload: a credential that may have been revoked must not be used any more.
  let isKnown = false;

  const hear: ChangeListener = async (table, id) => {
    const isOurs = table === 'header_credentials' || table === 'mcp_clients' || Object.hasOwn(IDENTITIES, table);
    if (isOurs) await refresh(id === '*' ? undefined : filterOf(table, id));
  };
  // First: a server that was moved must not be called at its new place with what was entered for the old one.
  changes.subscribe(hear, { isFirst: true });

  function refresh(filter?: CredentialFilter): Promise<void> {
    return inOrder(async () => {
      try {
        if (!isKnown) await read();
        else if (concerns(filter)) await read(filter);
      } catch (error) {
        isKnown = false;
        onError(error);
      }
    });
  }

  /** Most servers, keys and users have none, and a new one is announced under its own id. */
  function concerns(filter: CredentialFilter | undefined): boolean {
    return filter === undefined || 'id' in filter || matching(filter).length > 0;
  }

  async function read(filter?: CredentialFilter): Promise<void> {
    const rows = await store.list(filter);
    const before = matching(filter);
    for (const credential of before) drop(credential);
    for (const credential of rows) add(credential);
    for (const credential of before) if (byId.get(credential.id)?.version !== credential.version) onChange(credential);
    isKnown = true;
  }

  function matching(filter: CredentialFilter | undefined): HeaderCredential[] {
    const wanted = Object.entries(filter ?? {}) as [keyof HeaderCredential, string][];
    return [...byId.values()].filter((credential) => wanted.every(([field, value]) => credential[field] === value));
  }

  function add(credential: HeaderCredential): void {
    byId.set(credential.id, credential);
    const key = keyOf(credential.client_id, credential);
    const labels = byHolder.get(key) ?? new Map<string, HeaderCredential>();
    byHolder.set(key, labels.set(credential.label, credential));
  }

  function drop(credential: HeaderCredential): void {
    byId.delete(credential.id);
    const key = keyOf(credential.client_id, credential);
    const labels = byHolder.get(key);
    labels?.delete(credential.label);
    if (labels?.size === 0) byHolder.delete(key);
  }

  const tryAgain = oneAtATime(() => refresh());

  function demandKnown(): void {
    if (isKnown) return;
    tryAgain();
    throw new GatewayError('database_unavailable', 'credentials of callers cannot be looked up at the moment');
  }

  return {
    load: () => inOrder(() => read()),
    refresh: (id) => refresh({ id }),
    get(id) {
      demandKnown();
      return byId.get(id);
    },
    of(client_id, holder) {
      demandKnown();
      return byHolder.get(keyOf(client_id, holder)) ?? NONE;
    },
    all() {
      demandKnown();
      return byId.values();
    },
  };
}

function filterOf(table: string, id: string): CredentialFilter {
  if (table === 'mcp_clients') return { client_id: id };
  return IDENTITIES[table]?.(id) ?? { id };
}

function keyOf(client_id: string, { mode, identity }: Pick<Holder, 'mode' | 'identity'>): string {
  return JSON.stringify([client_id, mode, identity]);
}
