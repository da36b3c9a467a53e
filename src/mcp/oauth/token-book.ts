import { createOrder } from '../../lib/in-order.ts';
import type { ChangeListener, Changes } from '../../store/changes.ts';
import { apiKeyIdentity } from '../../store/identities.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import type { OAuthToken } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { TokenChange, TokenOwner } from './oauth.ts';

/** Every configuration and token in memory, so that a call never waits for the database. */
export interface TokenBook {
  /** The token that serves this owner of this client now. */
  find(client: ClientKey, owner: TokenOwner, label: string): OAuthToken | undefined;
  /** Those of one identity, of every account. */
  accounts(client: ClientKey, owner: TokenOwner): readonly OAuthToken[];
  findByKey(key: TokenKey): OAuthToken | undefined;
  get(id: string): OAuthToken | undefined;
  config(id: string | undefined): OAuthConfig | undefined;
  list(): readonly OAuthToken[];
  onChanged(listener: (change: TokenChange) => void): () => void;
  stop(): void;
}

interface ClientKey {
  readonly client_id: string;
  readonly oauth_config_id: string | undefined;
}

interface Deps {
  readonly store: OAuthStore;
  readonly changes: Pick<Changes, 'subscribe'>;
  readonly onError: (error: unknown) => void;
}

/** Loads what is stored, and follows every change. */
export async function openTokenBook({ store, changes, onError }: Deps): Promise<TokenBook> {
  const tokens = new Map<string, OAuthToken>();
  /** By all that makes a token one: see keyOf. */
  const byKey = new Map<string, OAuthToken>();
  /** The same without the label. */
  const byOwner = new Map<string, Set<string>>();
  const configs = new Map<string, OAuthConfig>();
  const listeners = new Set<(change: TokenChange) => void>();

  function put(id: string, token: OAuthToken | undefined): void {
    const before = tokens.get(id);
    if (before !== undefined) {
      byKey.delete(keyOf(before));
      const ids = byOwner.get(ownerKey(before));
      ids?.delete(id);
      if (ids?.size === 0) byOwner.delete(ownerKey(before));
    }
    tokens.delete(id);
    if (token !== undefined) {
      tokens.set(id, token);
      byKey.set(keyOf(token), token);
      byOwner.set(ownerKey(token), (byOwner.get(ownerKey(token)) ?? new Set()).add(id));
    }
    const about = token ?? before;
    if (about === undefined || isSame(before, token)) return;
    const { client_id, config_id, mode, identity, label } = about;
    for (const listener of listeners) {
      try {
        listener({ id, client_id, config_id, mode, identity, label, status: token?.status });
      } catch (error) {
        onError(error);
      }
    }
  }

  async function reloadTokens(id: string): Promise<void> {
    if (id !== '*') return put(id, await store.tokens.find(id));
    const fresh = new Map((await store.tokens.list()).map((token) => [token.id, token] as const));
    for (const gone of [...tokens.keys()].filter((known) => !fresh.has(known))) put(gone, undefined);
    for (const [known, token] of fresh) put(known, token);
  }

  async function reloadConfigs(id: string): Promise<void> {
    if (id === '*') {
      const fresh = await store.configs.list();
      configs.clear();
      for (const config of fresh) configs.set(config.id, config);
      return;
    }
    const config = await store.configs.find(id);
    if (config === undefined) configs.delete(id);
    else configs.set(id, config);
  }

  // One after the other: of two reads of a row the older one might otherwise arrive last.
  const inTurn = createOrder();
  const hear: ChangeListener = (table, id) => {
    if (table === 'oauth_tokens') return inTurn(() => reloadTokens(id));
    if (table === 'oauth_configs') return inTurn(() => reloadConfigs(id));
    const gone = takenAlong(table, id);
    if (gone === undefined) return undefined;
    return inTurn(async () => {
      const [only, ...more] = [...tokens.values()].filter(gone);
      if (only !== undefined) await reloadTokens(more.length === 0 ? only.id : '*');
    });
  };
  // First: a server that was moved must not be called at its new place with tokens for the old one.
  const unsubscribe = changes.subscribe(hear, { isFirst: true });
  await inTurn(() => reloadConfigs('*'));
  await inTurn(() => reloadTokens('*'));

  return {
    find: ({ client_id, oauth_config_id }, owner, label) =>
      byKey.get(keyOf({ client_id, config_id: oauth_config_id ?? '', ...ownerColumns(owner), label })),
    accounts({ client_id, oauth_config_id }, owner) {
      const ids = byOwner.get(ownerKey({ client_id, config_id: oauth_config_id ?? '', ...ownerColumns(owner) }));
      return [...(ids ?? [])].flatMap((id) => tokens.get(id) ?? []);
    },
    findByKey: (key) => byKey.get(keyOf(key)),
    get: (id) => tokens.get(id),
    config: (id) => (id === undefined ? undefined : configs.get(id)),
    list: () => [...tokens.values()],
    onChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: unsubscribe,
  };
}

function isSame(before: OAuthToken | undefined, after: OAuthToken | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return before.updated_at === after.updated_at && before.status === after.status && before.access.equals(after.access);
}

/** An owner as the columns name it. */
export function ownerColumns(owner: TokenOwner): Pick<OAuthToken, 'mode' | 'identity'> {
  return typeof owner === 'string' ? { mode: owner, identity: '' } : { mode: owner.mode, identity: owner.id };
}

/** What there is one token of. */
export type TokenKey = Pick<OAuthToken, 'config_id' | 'client_id' | 'mode' | 'identity' | 'label'>;

/** As JSON, so that no identity can be chosen to run into its neighbour. */
function keyOf({ config_id, client_id, mode, identity, label }: TokenKey): string {
  return JSON.stringify([config_id, client_id, mode, identity, label]);
}

function ownerKey({ config_id, client_id, mode, identity }: Omit<TokenKey, 'label'>): string {
  return JSON.stringify([config_id, client_id, mode, identity]);
}

/** The tokens that may go with the row of another table. */
function takenAlong(table: string, id: string): ((token: OAuthToken) => boolean) | undefined {
  const isAll = id === '*';
  if (table === 'mcp_clients') return (token) => isAll || token.client_id === id;
  if (table === 'virtual_keys') return ({ mode, identity }) => mode === 'vk' && (isAll || identity === id);
  const user = table === 'users' ? id : table === 'api_keys' ? apiKeyIdentity(id) : undefined;
  if (user === undefined) return undefined;
  return ({ mode, identity }) => mode === 'user' && (isAll || identity === user);
}
