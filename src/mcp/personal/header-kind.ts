import { randomUUID } from 'node:crypto';
import type { Actor } from '../../governance/audit.ts';
import { describeChange } from '../../governance/audit.ts';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { HeaderCredential, HeaderCredentialStore } from '../../store/header-credentials.ts';
import type { HeaderFlow } from '../../store/header-flows.ts';
import type { Holder } from '../../store/holder.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { Auth } from '../transport/auth.ts';
import type { Verify } from '../upstream/verify.ts';
import type { CredentialIndex } from './credential-index.ts';
import { conceal } from './conceal.ts';
import { fixedAuth, readHeaderValues, type HeaderValues } from './header-values.ts';
import { checkLabel } from './identity.ts';
import { openFlow } from './open-flow.ts';
import type { Begun, Personal, PersonalKind, PersonalRow } from './kind.ts';

interface HeaderKindDeps {
  readonly index: CredentialIndex;
  readonly store: HeaderCredentialStore;
  readonly database: Pick<Database, 'dialect' | 'transaction'>;
  readonly changes: Pick<Changes, 'publish'>;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly verify: Verify;
  readonly logger: Pick<Logger, 'info'>;
  readonly onError: (error: unknown) => void;
}

/** What was entered on a form. */
export interface Entry {
  readonly headers: HeaderValues;
  /** Another account than the one that the form was made for. */
  readonly label?: string | undefined;
}

/** Header values that callers enter for themselves (`per_user_headers`). */
export interface HeaderKind extends PersonalKind {
  /** The form with this id, used or not; throws `not_found`. */
  flow(id: string): Promise<HeaderFlow>;
  /** The headers that the holder has entered before and need not enter again. */
  entered(client: McpClient, holder: Holder): { readonly keys: readonly string[]; readonly isActive: boolean };
  /** Tries what was entered with the server and keeps it; gives the credential. Throws `flow_over`, `upstream_refused`. */
  submit(flow: HeaderFlow, client: McpClient, entry: Entry, actor: Actor): Promise<HeaderCredential>;
}

const REFUSED = 'the server refused the values';

export function createHeaderKind(deps: HeaderKindDeps): HeaderKind {
  const { index, store, database, changes, audit } = deps;

  /** The credential of the account that was asked for; with none in particular, the only one there is. */
  function stored(client: McpClient, holder: Holder): HeaderCredential | undefined {
    const accounts = index.of(client.client_id, holder);
    const [only, ...others] = accounts.values();
    return accounts.get(holder.label) ?? (holder.label === '' && others.length === 0 ? only : undefined);
  }

  /** Asked with every request: what was revoked or replaced in the meantime is not sent any more. */
  function authOf({ id, version }: HeaderCredential): Auth {
    return {
      headers() {
        const now = index.get(id);
        if (now?.version === version && now.status === 'active') return now.values();
        throw new GatewayError('mcp_auth_required', 'the credential was changed or revoked');
      },
      async refused() {
        await demandUpdate(id, version);
        throw new GatewayError('mcp_auth_required', REFUSED);
      },
    };
  }

  async function demandUpdate(id: string, version: number): Promise<void> {
    // It is another one by now, of which the notice may be on its way.
    if (!(await store.demandUpdate(id, version, REFUSED))) return index.refresh(id);
    deps.logger.info({ credential: id }, 'a server refused what a caller entered; the caller is asked anew');
    await changes.publish('header_credentials', id);
  }

  function find(client: McpClient, holder: Holder): Personal | undefined {
    const credential = stored(client, holder);
    if (credential?.status !== 'active' || !isComplete(client, credential)) return undefined;
    const { id, version } = credential;
    return {
      id,
      key: `${id}:${version}`,
      auth: authOf(credential),
      secrets: () => Object.values(credential.values()),
    };
  }

  async function begin(client: McpClient, holder: Holder): Promise<Begun> {
    const flow_id = await openFlow(store.flows, 'headers', client.client_id, holder);
    const admin_header_keys = Object.keys(client.headers).map((name) => name.toLowerCase());
    return {
      flow_id,
      required_header_keys: client.per_user_header_keys,
      admin_header_keys: admin_header_keys.filter((name) => !client.per_user_header_keys.includes(name)),
    };
  }

  async function tryOut(client: McpClient, values: HeaderValues): Promise<void> {
    try {
      const { session } = await deps.verify(client, { auth: fixedAuth(values) });
      session.close().catch(deps.onError);
    } catch (error) {
      const why = conceal(messageOf(error), Object.values(values));
      throw new GatewayError('upstream_refused', `Verification failed: ${why}`);
    }
  }

  async function submit(flow: HeaderFlow, client: McpClient, entry: Entry, actor: Actor): Promise<HeaderCredential> {
    if (flow.status !== 'pending') throw over();
    const holder = { ...flow, label: entry.label === undefined ? flow.label : checkLabel(entry.label) };
    const before = index.of(client.client_id, holder).get(holder.label);
    const values = readHeaderValues(client, 'headers', entry.headers, before?.values());
    await tryOut(client, values);
    const { client_id, mode, identity, identity_name, label } = holder;
    const id = await database.transaction(async (tx) => {
      const at = store.with(tx);
      // Other keys or another address than those that were tried: the values may not be meant for them.
      if ((await at.lockClient(client_id, database.dialect)) !== client.updated_at)
        throw new GatewayError('conflict', `${client.name} was changed in the meantime; submit again`);
      if (!(await at.flows.claim(flow.id, Date.now()))) throw over();
      const saved = await at.save({ id: randomUUID(), client_id, mode, identity, identity_name, label, values });
      const action = before === undefined ? 'create' : 'update';
      const after = describe(client, { ...holder, keys: Object.keys(values) });
      const change = { action, entity: 'mcp_session', id: saved, name: nameOf(client.name, holder), after } as const;
      await audit.with(tx).append(describeChange(actor, change));
      return saved;
    });
    await changes.publish('header_credentials', id);
    const saved = index.get(id);
    if (saved === undefined) throw over(); // removed again, in the same moment
    return saved;
  }

  return {
    auth_kind: 'headers',
    find,
    begin,
    submit,
    async flow(id) {
      const flow = await store.flows.find(id);
      if (flow === undefined)
        throw new GatewayError('not_found', 'there is no such form; repeat the call that led to it');
      return flow;
    },
    entered(client, holder) {
      const credential = index.of(client.client_id, holder).get(holder.label);
      const names = credential === undefined ? [] : Object.keys(credential.values());
      const keys = names.filter((name) => client.per_user_header_keys.includes(name));
      return { keys, isActive: credential?.status === 'active' && isComplete(client, credential) };
    },
    async rows() {
      const pending = await store.flows.listPending(Date.now());
      // With a credential there is nothing left to do.
      const open = pending.filter(
        ({ auth_kind, client_id, label, ...who }) => auth_kind === 'headers' && !index.of(client_id, who).has(label),
      );
      return [...[...index.all()].map(credentialRow), ...open.map(flowRow)];
    },
    async remove(id, actor) {
      const [credential] = await store.list({ id });
      const flow = credential === undefined ? await store.flows.find(id) : undefined;
      const found = credential ?? flow;
      if (found === undefined || flow?.auth_kind === 'oauth') return false;
      await database.transaction(async (tx) => {
        const at = store.with(tx);
        const isGone = credential === undefined ? await at.flows.remove(id) : await at.remove(id);
        if (!isGone) throw new GatewayError('not_found', 'MCP session not found');
        const before = describe({ client_id: found.client_id }, found);
        const change = {
          action: 'delete',
          entity: 'mcp_session',
          id,
          name: nameOf(found.client_id, found),
          before,
        } as const;
        await audit.with(tx).append(describeChange(actor, change));
      });
      await changes.publish('header_credentials', id);
      return true;
    },
  };
}

function isComplete({ per_user_header_keys: keys }: McpClient, { values }: HeaderCredential): boolean {
  const entered = values();
  return keys.every((key) => Object.hasOwn(entered, key));
}

function over(): GatewayError {
  return new GatewayError(
    'flow_over',
    'this form was used before, or its time is over; restart from the link of the API error',
  );
}

/** How the audit trail names a credential. */
export function nameOf(server: string, { identity_name, label }: Holder): string {
  return [server, identity_name, ...(label === '' ? [] : [label])].join(' / ');
}

/** What the audit trail shows: whose it is, and never a value. */
export function describe(
  { client_id }: Pick<McpClient, 'client_id'>,
  holder: Holder & { readonly keys?: readonly string[] },
): object {
  const { mode, identity, identity_name, label, keys } = holder;
  return {
    mcp_client_id: client_id,
    auth_mode: mode,
    identity,
    identity_name,
    label,
    ...(keys && { header_keys: keys }),
  };
}

function credentialRow(credential: HeaderCredential): PersonalRow {
  const { values: _values, version: _version, status_reason: _reason, ...row } = credential;
  return { ...row, kind: 'header', auth_kind: 'headers' };
}

function flowRow(flow: HeaderFlow): PersonalRow {
  return { ...flow, kind: 'flow' };
}
