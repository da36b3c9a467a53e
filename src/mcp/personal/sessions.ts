import type { McpReauth, McpSession } from '../../contract/mcp-session.ts';
import type { Actor } from '../../governance/audit.ts';
import type { Caller } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { CallerHeaders } from '../relay/forwarded-headers.ts';
import { checkAccess, isOrphaned, type PersonalServer } from './access.ts';
import { identityOf } from './identity.ts';
import type { PersonalKind, PersonalRow } from './kind.ts';
import type { Links } from './links.ts';
import type { Holder } from '../../store/holder.ts';

interface SessionsDeps {
  readonly kinds: readonly PersonalKind[];
  readonly links: Pick<Links, 'toFlow'>;
  readonly find: (client_id: string) => PersonalServer | undefined;
  /** The name of a virtual key as it is now. */
  readonly nameOfKey: (id: string) => string | undefined;
  /** Records what is begun in somebody's name. */
  readonly record: (actor: Actor, row: PersonalRow, server: string) => Promise<void>;
}

/** Which sessions to list: OR inside one field, AND between them. */
export interface SessionFilter {
  readonly q?: string | undefined;
  readonly identity?: string | undefined;
  readonly status?: readonly string[] | undefined;
  readonly auth_mode?: readonly string[] | undefined;
  readonly mcp_client_id?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
}

/** The credentials of callers, for those who manage them. */
export interface PersonalSessions {
  /** Newest first. */
  list(filter: SessionFilter, viewer: Caller | undefined): Promise<McpSession[]>;
  /** Throws `not_found`. */
  remove(id: string, actor: Actor): Promise<void>;
  /** Begins anew what led to a credential. Throws `forbidden` where that would not help, or is another's business. */
  reauth(id: string, viewer: Caller, actor: Actor, headers: CallerHeaders): Promise<McpReauth>;
}

export function createPersonalSessions(deps: SessionsDeps): PersonalSessions {
  const { kinds, links, find } = deps;

  async function rows(): Promise<PersonalRow[]> {
    return (await Promise.all(kinds.map((kind) => kind.rows()))).flat();
  }

  function view(row: PersonalRow, viewer: Caller | undefined): McpSession {
    const server = find(row.client_id);
    const isDead = row.kind !== 'flow' && server !== undefined && isOrphaned(server, row);
    const status = isDead ? 'orphaned' : row.status;
    const { id, kind, auth_kind, mode, oauth_config_id } = row;
    return {
      ...{ id, kind, auth_kind, auth_mode: mode },
      ...holderView(row, server, deps.nameOfKey),
      status,
      ...times(row),
      ...(oauth_config_id !== undefined && { oauth_config_id }),
      can_reauth: kind !== 'flow' && status !== 'orphaned' && !isAnothers(row, viewer),
    };
  }

  return {
    async list(filter, viewer) {
      const all = (await rows()).toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1));
      return all.map((row) => view(row, viewer)).filter((session) => matches(session, filter));
    },
    async remove(id, actor) {
      for (const kind of kinds) if (await kind.remove(id, actor)) return;
      throw unknownSession();
    },
    async reauth(id, viewer, actor, headers) {
      const row = (await rows()).find((each) => each.id === id);
      const server = row && find(row.client_id);
      const kind = kinds.find(({ auth_kind }) => auth_kind === row?.auth_kind);
      if (row === undefined || server === undefined || kind === undefined) throw unknownSession();
      if (row.kind === 'flow') throw new GatewayError('wrong_state', 'this one waits to be completed already');
      checkAccess(server, row);
      if (isAnothers(row, viewer)) throw new GatewayError('forbidden', 'only whose credential it is can renew it');
      const { flow_id } = await kind.begin(server.client, row);
      await deps.record(actor, row, server.client.name);
      const url = links.toFlow({ ...row, id: flow_id }, kind.auth_kind, headers);
      const isForm = kind.auth_kind === 'headers';
      return { kind: kind.auth_kind, session_id: flow_id, authorize_url: url, ...(isForm && { submit_url: url }) };
    },
  };
}

/** Whether it is bound to a person other than the one who asks: not even an administrator may enter values in their name. */
export function isAnothers({ mode, identity }: Pick<Holder, 'mode' | 'identity'>, viewer: Caller | undefined): boolean {
  if (mode !== 'user' || viewer === undefined) return false;
  return identityOf({ caller: viewer, headers: {} })?.identity !== identity;
}

/** Whose it is and for which server, as read APIs show it. */
export function holderView(
  { mode, identity, identity_name, label, client_id }: Holder & { readonly client_id: string },
  server: Pick<PersonalServer, 'client'> | undefined,
  nameOfKey: (id: string) => string | undefined,
) {
  return {
    ...(mode === 'user' && { user_id: identity, user: { id: identity, name: identity_name } }),
    ...(mode === 'vk' && { virtual_key: { id: identity, name: nameOfKey(identity) ?? identity_name } }),
    ...(mode === 'session' && { session_id: identity_name }),
    label,
    mcp_client: { client_id, name: server?.client.name ?? '' },
  };
}

function times({ expires_at, created_at, updated_at, last_refreshed_at }: PersonalRow) {
  const write = (at: number): string => new Date(at).toISOString();
  return {
    ...(expires_at !== undefined && { expires_at: write(expires_at) }),
    created_at: write(created_at),
    ...(last_refreshed_at !== undefined && { last_refreshed_at: write(last_refreshed_at) }),
    ...(updated_at !== undefined && { updated_at: write(updated_at) }),
  };
}

function matches(session: McpSession, { q, identity, status, auth_mode, mcp_client_id, kind }: SessionFilter): boolean {
  const names = [session.user?.name, session.virtual_key?.name, session.session_id].filter(
    (name) => name !== undefined,
  );
  const ids = [session.user_id, session.virtual_key?.id, session.session_id];
  const words = [...names, session.label, session.mcp_client.name].map((word) => word.toLowerCase());
  return (
    (q === undefined || words.some((word) => word.includes(q.toLowerCase()))) &&
    (identity === undefined || ids.includes(identity)) &&
    isListed(status, session.status) &&
    isListed(auth_mode, session.auth_mode) &&
    isListed(mcp_client_id, session.mcp_client.client_id) &&
    isListed(kind, session.kind)
  );
}

function isListed(list: readonly string[] | undefined, value: string): boolean {
  return list === undefined || list.length === 0 || list.includes(value);
}

function unknownSession(): GatewayError {
  return new GatewayError('not_found', 'MCP session not found');
}
