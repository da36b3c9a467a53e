import { describeChange } from '../../governance/audit.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { HeaderFlowStore } from '../../store/header-flows.ts';
import type { Holder } from '../../store/holder.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { Executor } from '../../store/schema.ts';
import type { OAuth, TokenProblem, TokenView } from '../oauth/oauth.ts';
import type { Auth } from '../transport/auth.ts';
import { describe, nameOf } from './header-kind.ts';
import { isIdentityMode } from './identity.ts';
import type { Personal, PersonalKind, PersonalRow } from './kind.ts';
import { openFlow } from './open-flow.ts';

interface OAuthKindDeps {
  readonly oauth: Pick<OAuth, 'accounts' | 'tokens' | 'tokenFor' | 'onChanged'>;
  readonly store: OAuthStore;
  /** The links, on one database or in a transaction. */
  readonly flows: HeaderFlowStore & { with(tx: Executor): HeaderFlowStore };
  readonly database: Pick<Database, 'transaction'>;
  readonly changes: Pick<Changes, 'publish'>;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly nameOfHolder: (holder: Pick<Holder, 'mode' | 'identity'>) => Promise<string>;
  /** A token is not used any more as it was. */
  readonly onChange: (token: { readonly id: string; readonly client_id: string }) => void;
}

/** OAuth tokens that callers get by signing in themselves (`per_user_oauth`). */
export function createOAuthKind(deps: OAuthKindDeps): PersonalKind {
  const { oauth, store, flows } = deps;
  /** Tokens in use, as they were when they were found. */
  const used = new Map<string, string>();
  oauth.onChanged(({ id, client_id }) => {
    const before = used.get(id);
    if (before === undefined) return;
    const now = oauth.tokens(client_id).find((token) => token.id === id);
    if (now?.status === 'active' && keyOf(now) === before) return;
    used.delete(id);
    deps.onChange({ id, client_id });
  });

  /** The token of the account that was asked for; with none in particular, the only one there is. */
  function stored(client: McpClient, { mode, identity, label }: Holder): TokenView | undefined {
    const accounts = oauth.accounts(client, { mode, id: identity });
    const [only, ...others] = accounts;
    const same = accounts.find((token) => token.label === label);
    return same ?? (label === '' && others.length === 0 ? only : undefined);
  }

  function find(client: McpClient, holder: Holder): Personal | undefined {
    const token = stored(client, holder);
    if (token?.status !== 'active' || isOver(token)) return undefined;
    const { id, label } = token;
    const key = keyOf(token);
    used.set(id, key);
    const owner = { mode: holder.mode, id: holder.identity };
    return { id, key, ...watched(oauth.tokenFor(client, owner, { label, refuse })) };
  }

  async function rowOf(token: TokenView): Promise<PersonalRow[]> {
    const { id, client_id, mode, identity, label, config_id, status, ...times } = token;
    if (!isIdentityMode(mode)) return [];
    const { expires_at, created_at, updated_at, last_refreshed_at } = times;
    const row = { id, client_id, mode, identity, identity_name: await deps.nameOfHolder({ mode, identity }), label };
    const shown = status === 'active' && isOver(token) ? 'expired' : status;
    const rest = { expires_at, created_at, updated_at, last_refreshed_at, oauth_config_id: config_id };
    return [{ ...row, ...rest, status: shown, kind: 'token', auth_kind: 'oauth' }];
  }

  return {
    auth_kind: 'oauth',
    find,
    begin: async ({ client_id }, holder) => ({ flow_id: await openFlow(flows, 'oauth', client_id, holder) }),
    async rows() {
      const tokens = (await Promise.all(oauth.tokens().map(rowOf))).flat();
      const holds = new Set(tokens.map(holderKey));
      const pending = (await flows.listPending(Date.now())).filter(
        (flow) => flow.auth_kind === 'oauth' && !holds.has(holderKey(flow)),
      );
      return [...tokens, ...pending.map((flow) => ({ ...flow, kind: 'flow' }) as const)];
    },
    async remove(id, actor) {
      const token = await store.tokens.find(id);
      const flow = token === undefined ? await flows.find(id) : undefined;
      const found = token ?? (flow?.auth_kind === 'oauth' ? flow : undefined);
      if (found === undefined || !isIdentityMode(found.mode)) return false;
      const { client_id, mode, identity, label } = found;
      const holder = { mode, identity, label, identity_name: await deps.nameOfHolder({ mode, identity }) };
      await deps.database.transaction(async (tx) => {
        const { tokens } = store.with(tx);
        // The links first: without one no sign-in that is under way can end well.
        await flows.with(tx).removeOfHolder(client_id, holder);
        await tokens.removeOfHolder(client_id, holder);
        const before = describe({ client_id }, holder);
        const name = nameOf(client_id, holder);
        const change = { action: 'delete', entity: 'mcp_session', id, name, before } as const;
        await deps.audit.with(tx).append(describeChange(actor, change));
      });
      await deps.changes.publish('oauth_tokens', id);
      return true;
    },
  };
}

/** Another sign-in may be another account: connections of the one before are not for it. Renewed tokens keep it. */
function keyOf({ id, created_at }: TokenView): string {
  return `${id}:${created_at}`;
}

function isOver({ expires_at, isRenewable }: TokenView): boolean {
  return expires_at !== undefined && expires_at <= Date.now() && !isRenewable;
}

function holderKey({ client_id, mode, identity, label }: PersonalRow | (Holder & { client_id: string })): string {
  return JSON.stringify([client_id, mode, identity, label]);
}

/** The caller is asked by whoever catches this; see credentials.ts. */
function refuse({ kind, reason }: TokenProblem): GatewayError {
  return new GatewayError('mcp_auth_required', reason, { details: { reason: kind } });
}

/** The same, remembering which tokens it has sent: a server may repeat them. */
function watched(auth: Auth): Pick<Personal, 'auth' | 'secrets'> {
  const sent = new Set<string>();
  const note = <T extends Readonly<Record<string, string>>>(headers: T): T => {
    sent.add((headers['authorization'] ?? '').replace(/^Bearer /, ''));
    return headers;
  };
  return {
    auth: {
      headers() {
        const headers = auth.headers();
        return headers instanceof Promise ? headers.then(note) : note(headers);
      },
      refused: (...refusal) => auth.refused(...refusal),
    },
    secrets: () => [...sent],
  };
}
