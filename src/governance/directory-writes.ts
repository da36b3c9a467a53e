import { GatewayError } from '../lib/errors.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Changes } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { NameRow } from '../store/owner-names.ts';
import type { TableName } from '../store/schema.ts';
import { writeInTurn } from '../store/write-lock.ts';
import { describeChange, type Actor, type Change } from './audit.ts';
import type { RuleContext } from './entity-rules.ts';
import type { ViewContext } from './entity-views.ts';

/** More rows than this are announced as "any row": each notice costs every process a reload. */
const MOST_NOTICES = 100;

/** Where a write goes, and the record of it. */
export interface Recorded {
  readonly database: Pick<Database, 'dialect' | 'transaction'>;
  readonly stores: GovernanceStores;
  readonly audit: Pick<AuditStore, 'with'>;
}

/** What a write gives, and what it changed. */
export interface Written<T> {
  readonly result: T;
  readonly record: readonly Change[];
}

/** Runs a write and records what it changed, both or neither; the record comes last, as the trail demands. */
export function writeRecorded<T>(
  { database, stores, audit }: Recorded,
  actor: Actor,
  write: (at: GovernanceStores) => Promise<Written<T>>,
): Promise<T> {
  return writeInTurn(database, async (tx) => {
    const { result, record } = await write(stores.with(tx));
    const trail = audit.with(tx);
    for (const change of record) await trail.append(describeChange(actor, change));
    return result;
  });
}

/** Of a server that a key is granted the audit trail says no more than which it is: its settings are not the key's. */
export function auditContext({ usage, describeClient }: ViewContext): ViewContext {
  return {
    usage,
    describeClient(id) {
      const name = describeClient(id)?.name;
      return name === undefined ? undefined : { name };
    },
  };
}

/** What the rules must know of teams, customers and keys of providers, read in the transaction of the write. */
export async function loadRuleContext(
  { names, providerKeys }: GovernanceStores,
  { team_id, customer_id, provider_configs }: Readonly<Record<string, unknown>>,
): Promise<RuleContext> {
  const teams = new Set(team_id ? (await names.teams()).map(({ id }) => id) : []);
  const customers = new Set(customer_id ? (await names.customers()).map(({ id }) => id) : []);
  return {
    now: Date.now(),
    hasTeam: (id) => teams.has(id),
    hasCustomer: (id) => customers.has(id),
    providerKeys: provider_configs ? await providerKeys.names() : [],
  };
}

/** Announces rows of one table. When it resolves, every listener of this process has read them. */
export async function announce(
  changes: Pick<Changes, 'publish'>,
  table: TableName,
  ids: readonly string[],
): Promise<void> {
  const told = ids.length > MOST_NOTICES ? ['*'] : ids;
  await Promise.all(told.map((id) => changes.publish(table, id)));
}

/** Rows by their id. */
export function byId(rows: readonly NameRow[]): ReadonlyMap<string, NameRow> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** The error for an id that nothing has. */
export function unknownEntity(kind: 'virtual key' | 'team' | 'customer' | 'budget', id: string): GatewayError {
  return new GatewayError('not_found', `there is no ${kind} "${id}"`);
}
