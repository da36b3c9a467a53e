import { createHash } from 'node:crypto';
import type { Encryption } from '../lib/encryption.ts';
import { freeze } from '../lib/freeze.ts';
import { registrationColumn, type RegisteredClient } from './oauth-registrations.ts';
import type { TokenMode } from './oauth-tokens.ts';
import type { Executor } from './schema.ts';
import type { OAuthFlowTable } from './tables/credentials.ts';

/** One sign-in: begun here, continued in a browser elsewhere, ended by the callback. */
export interface OAuthFlow {
  readonly id: string;
  readonly config_id: string;
  /** The MCP client; it need not exist yet. */
  readonly client_id: string;
  /** PKCE: proves to the authorization server that who redeems the code also asked for it. */
  readonly verifier: string;
  readonly issuer: string;
  readonly redirect_uri: string;
  /** The client that asks; undefined when it is that of the configuration, whatever becomes of it. */
  readonly registration: RegisteredClient | undefined;
  readonly purpose: 'admin' | 'user';
  readonly mode: TokenMode;
  readonly identity: string;
  readonly label: string;
  /** SHA-256 of what the browser that began must show at the end; undefined when any may end it. */
  readonly bind_hash: string | undefined;
  readonly scopes: readonly string[];
  readonly resource: string | undefined;
  readonly status: 'pending' | 'claimed' | 'done' | 'failed' | 'expired';
  readonly status_reason: string | undefined;
  readonly created_at: number;
  readonly expires_at: number;
}

/** The sign-ins under way, and for a day those that ended. */
export interface OAuthFlowStore {
  insert(flow: OAuthFlow, state: string): Promise<void>;
  find(id: string): Promise<OAuthFlow | undefined>;
  findByState(state: string): Promise<OAuthFlow | undefined>;
  /** Takes a pending flow for its one use; false when it was taken before. */
  claim(id: string): Promise<boolean>;
  /** False when it is gone. */
  end(id: string, status: 'done' | 'failed' | 'expired', reason?: string): Promise<boolean>;
  /** Ends what nobody came back for, and forgets what is older than `before`. */
  sweep(now: number, before: number): Promise<void>;
}

/** What random texts are kept as. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Rows of oauth_flows in, entities out. */
export function createOAuthFlowStore(db: Executor, encryption: Encryption): OAuthFlowStore {
  const read = (row: OAuthFlowTable | undefined) => (row === undefined ? undefined : fromRow(row, encryption));
  return {
    async insert(flow, state) {
      const row: OAuthFlowTable = {
        ...flow,
        state_hash: hashText(state),
        verifier: encryption.encrypt(flow.verifier, `oauth_flows:verifier:${flow.id}`),
        registration: registrationColumn(encryption, 'oauth_flows', flow.id).seal(flow.registration),
        bind_hash: flow.bind_hash ?? null,
        scopes: JSON.stringify(flow.scopes),
        resource: flow.resource ?? null,
        status_reason: flow.status_reason ?? null,
      };
      await db.insertInto('oauth_flows').values(row).execute();
    },

    async find(id) {
      return read(await db.selectFrom('oauth_flows').selectAll().where('id', '=', id).executeTakeFirst());
    },

    async findByState(state) {
      const query = db.selectFrom('oauth_flows').selectAll().where('state_hash', '=', hashText(state));
      return read(await query.executeTakeFirst());
    },

    async claim(id) {
      const query = db.updateTable('oauth_flows').set({ status: 'claimed' });
      const result = await query.where('id', '=', id).where('status', '=', 'pending').executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    async end(id, status, reason) {
      const query = db.updateTable('oauth_flows').set({ status, status_reason: reason ?? null });
      return (await query.where('id', '=', id).executeTakeFirst()).numUpdatedRows === 1n;
    },

    async sweep(now, before) {
      await db
        .updateTable('oauth_flows')
        .set({ status: 'expired' })
        .where('status', 'in', ['pending', 'claimed'])
        .where('expires_at', '<=', now)
        .execute();
      await db.deleteFrom('oauth_flows').where('expires_at', '<=', before).execute();
    },
  };
}

function fromRow(stored: OAuthFlowTable, encryption: Encryption): OAuthFlow {
  const { state_hash: _, ...row } = stored;
  return freeze({
    ...row,
    verifier: encryption.decrypt(row.verifier, `oauth_flows:verifier:${row.id}`),
    registration: registrationColumn(encryption, 'oauth_flows', row.id).open(row.registration),
    purpose: row.purpose as OAuthFlow['purpose'],
    mode: row.mode as TokenMode,
    bind_hash: row.bind_hash ?? undefined,
    scopes: JSON.parse(row.scopes) as string[],
    resource: row.resource ?? undefined,
    status: row.status as OAuthFlow['status'],
    status_reason: row.status_reason ?? undefined,
  });
}
