import { sql, type Insertable, type Selectable } from 'kysely';
import type { Encryption } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import { freeze } from '../lib/freeze.ts';
import { uniqueViolation } from './dialect.ts';
import type { EntityStore, Limited, ProviderConfig, VirtualKey } from './governance.ts';
import { removeIdentity } from './identities.ts';
import { createLimitStore } from './limits.ts';
import { createProviderConfigStore } from './provider-configs.ts';
import type { Executor } from './schema.ts';
import type { VirtualKeyTable } from './tables/governance.ts';
import { secretColumns } from './secret-columns.ts';

/** Which keys a page is of. */
export interface KeyPage {
  /** Part of the name, in any case. */
  readonly search?: string | undefined;
  readonly team_id?: string | undefined;
  readonly customer_id?: string | undefined;
  /** Absent: all of them. */
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

/** A virtual key without its value, which nobody needs who checks what others bring. */
export type KeyRecord = Omit<VirtualKey, 'value'>;

/** The virtual keys. */
export interface VirtualKeyStore extends EntityStore<VirtualKey> {
  with(tx: Executor): VirtualKeyStore;
  /** A page, oldest first, and how many there are in all. */
  page(page: KeyPage): Promise<{ keys: VirtualKey[]; total_count: number }>;
  /** All of them, oldest first, without decrypting any. */
  listRecords(): Promise<KeyRecord[]>;
  listExpired(now: number): Promise<ExpiredKey[]>;
  /** The keys whose value is a reference, `env.NAME` or `file.PATH`. */
  listReferences(): Promise<VirtualKey[]>;
}

/** A virtual key whose time is over. */
export interface ExpiredKey {
  readonly id: string;
  /** Undefined: as the gateway-wide setting says. */
  readonly delete_after_expire: boolean | undefined;
}

/** The virtual keys with their providers, budgets and limits. However many there are, loading them takes six statements. */
export function createVirtualKeyStore(db: Executor, encryption: Encryption): VirtualKeyStore {
  const limits = createLimitStore(db);
  const providers = createProviderConfigStore(db);

  const loadRecords = async (rows: readonly Row[], ids?: readonly string[]): Promise<KeyRecord[]> => {
    if (rows.length === 0) return [];
    const limitsOf = await limits.load('virtual_key', ids);
    const providersOf = await providers.load(ids);
    return rows.map((row) => toRecord(row, { limited: limitsOf(row.id), providers: providersOf(row.id) }));
  };
  const load = async (rows: readonly Row[], ids?: readonly string[]): Promise<VirtualKey[]> => {
    const records = await loadRecords(rows, ids);
    return records.map((record, at) => {
      const value = secretColumns(encryption, 'virtual_keys', record.id).open(rows[at]?.value ?? '', 'value');
      return Object.freeze({ ...record, value });
    });
  };
  const select = () => db.selectFrom('virtual_keys').selectAll().orderBy('created_at').orderBy('id');

  return {
    with: (tx) => createVirtualKeyStore(tx, encryption),
    list: async () => load(await select().execute()),
    listRecords: async () => loadRecords(await select().execute()),
    find: async (id) => (await load(await select().where('id', '=', id).execute(), [id]))[0],

    async page({ search = '', team_id, customer_id, limit, offset = 0 }) {
      const pattern = `%${search.toLowerCase().replaceAll('\0', '').replace(/[!%_]/g, '!$&')}%`;
      const found = db
        .selectFrom('virtual_keys')
        .$if(search !== '', (query) => query.where(sql<boolean>`lower(name) like ${pattern} escape '!'`))
        .$if(team_id !== undefined, (query) => query.where('team_id', '=', team_id ?? ''))
        .$if(customer_id !== undefined, (query) => query.where('customer_id', '=', customer_id ?? ''));
      const { count } = await found.select(db.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
      const rows = await found
        .selectAll()
        .orderBy('created_at')
        .orderBy('id')
        .limit(limit ?? Math.max(count, 1))
        .offset(offset)
        .execute();
      // Only a page that was asked for is small enough to name each of its rows.
      const ids = limit === undefined ? undefined : rows.map((row) => row.id);
      return { keys: await load(rows, ids), total_count: count };
    },

    async listExpired(now) {
      const query = db.selectFrom('virtual_keys').select(['id', 'delete_after_expire']).where('expires_at', '<=', now);
      const rows = await query.orderBy('id').execute();
      return rows.map((row) => ({ id: row.id, delete_after_expire: toFlag(row.delete_after_expire) }));
    },

    async listReferences() {
      // An encrypted value never looks like a reference; see secret-columns.ts.
      const rows = await select()
        .where((row) => row.or([row('value', 'like', 'env.%'), row('value', 'like', 'file.%')]))
        .execute();
      return load(rows);
    },

    async insert(key) {
      const query = db.insertInto('virtual_keys').values(toRow(key, encryption));
      await query.execute().catch((error: unknown) => refuseConflict(error, key));
      await limits.replace('virtual_key', key.id, key);
      await providers.replace(key.id, key.provider_configs);
    },

    async update(key) {
      const { id, created_at: _, ...fields } = toRow(key, encryption);
      const query = db.updateTable('virtual_keys').set(fields).where('id', '=', id);
      const [result] = await query.execute().catch((error: unknown) => refuseConflict(error, key));
      if (result?.numUpdatedRows !== 1n) throw new GatewayError('not_found', `There is no virtual key "${id}"`);
      await limits.replace('virtual_key', id, key);
      await providers.replace(id, key.provider_configs);
    },

    async remove(id) {
      await limits.remove('virtual_key', [id]);
      await providers.replace(id, []);
      await removeIdentity(db, 'vk', id);
      const result = await db.deleteFrom('virtual_keys').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function refuseConflict(error: unknown, key: VirtualKey): never {
  const column = uniqueViolation(error);
  const refuse = (field: string, text: string): never => {
    const message = `A virtual key with ${text} already exists`;
    throw new GatewayError('conflict', message, { cause: error, details: { field } });
  };
  if (column === 'name') return refuse('name', `the name "${key.name}"`);
  if (column === 'id' || column === 'pkey') return refuse('id', `the id "${key.id}"`);
  if (column === 'value_hash') return refuse('value', 'this value');
  throw error;
}

function toRow(key: VirtualKey, encryption: Encryption): Insertable<VirtualKeyTable> {
  const { provider_configs: _providers, budgets: _budgets, rate_limit: _limit, ...row } = key;
  return {
    ...row,
    value: secretColumns(encryption, 'virtual_keys', key.id).seal(key.value, 'value'),
    previous_value_hash: key.previous_value_hash ?? null,
    previous_expires_at: key.previous_expires_at ?? null,
    is_active: Number(key.is_active),
    allow_all_providers: Number(key.allow_all_providers),
    team_id: key.team_id ?? null,
    customer_id: key.customer_id ?? null,
    calendar_aligned: Number(key.calendar_aligned),
    expires_at: key.expires_at ?? null,
    delete_after_expire: fromFlag(key.delete_after_expire),
    disable_content_logging: fromFlag(key.disable_content_logging),
    metadata: JSON.stringify(key.metadata),
    created_by_user_id: key.created_by_user_id ?? null,
    config_hash: key.config_hash ?? null,
  };
}

type Row = Selectable<VirtualKeyTable>;

interface Parts {
  readonly limited: Limited;
  readonly providers: readonly ProviderConfig[];
}

function toRecord(stored: Row, { limited, providers }: Parts): KeyRecord {
  const { value: _, ...row } = stored;
  return freeze({
    ...row,
    previous_value_hash: row.previous_value_hash ?? undefined,
    previous_expires_at: row.previous_expires_at ?? undefined,
    is_active: row.is_active === 1,
    allow_all_providers: row.allow_all_providers === 1,
    team_id: row.team_id ?? undefined,
    customer_id: row.customer_id ?? undefined,
    calendar_aligned: row.calendar_aligned === 1,
    expires_at: row.expires_at ?? undefined,
    delete_after_expire: toFlag(row.delete_after_expire),
    disable_content_logging: toFlag(row.disable_content_logging),
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    created_by_user_id: row.created_by_user_id ?? undefined,
    config_hash: row.config_hash ?? undefined,
    provider_configs: providers,
    ...limited,
  });
}

function fromFlag(flag: boolean | undefined): number | null {
  return flag === undefined ? null : Number(flag);
}

function toFlag(flag: number | null): boolean | undefined {
  return flag === null ? undefined : flag === 1;
}
