import { hash } from 'node:crypto';
import { GatewayError } from '../lib/errors.ts';
import { createOrder } from '../lib/in-order.ts';
import { oneAtATime } from '../lib/one-at-a-time.ts';
import type { Changes } from '../store/changes.ts';
import type { Customer, EntityStore, Team } from '../store/governance.ts';
import type { KeyRecord, VirtualKeyStore } from '../store/virtual-keys.ts';
import { principalOfKey, type Caller, type KeyPolicy, type Reference } from './caller.ts';
import { compileLimits } from './limits.ts';
import { compileProviders } from './model-access.ts';

/** Whoever comes with a virtual key. */
export interface KeyCaller extends Caller {
  readonly key: KeyPolicy;
}

/** The virtual keys with their owners, in memory. */
export interface Policy {
  /**
   * Who comes with this value, that of the last rotation in its grace period included. Throws `database_unavailable` when nobody
   * can tell.
   */
  findCaller(value: string): KeyCaller | undefined;
  /** The same for somebody who is known to hold the key with this id. */
  findCallerById(id: string): KeyCaller | undefined;
  find(id: string): KeyPolicy | undefined;
  findByName(name: string): KeyPolicy | undefined;
}

interface PolicyDeps {
  readonly keys: Pick<VirtualKeyStore, 'listRecords' | 'find'>;
  readonly teams: Pick<EntityStore<Team>, 'list'>;
  readonly customers: Pick<EntityStore<Customer>, 'list'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

interface KnownValue {
  readonly caller: KeyCaller;
  /** When it stops working, for the value before the last rotation. */
  readonly until: number;
}

interface Snapshot {
  /** Changed in place: a copy for each change would cost as much as there are keys. */
  readonly keys: Map<string, KeyRecord>;
  readonly teams: ReadonlyMap<string, Team>;
  readonly customers: ReadonlyMap<string, Customer>;
}

const MAX_RECENT = 10_000;
/** Before keys are read again that could not be, because the database was away. */
const RETRY_MS = 1_000;

const isAway = (error: unknown): boolean => error instanceof GatewayError && error.code === 'database_unavailable';

/** Loads all keys and follows their changes. A request costs one look-up, and now and then a hash. */
export async function createPolicy(deps: PolicyDeps): Promise<Policy> {
  const { changes, onChange, onError } = deps;
  // Undefined after a reload that failed, other than for want of the database: a revoked key must not go on working.
  let snapshot: Snapshot | undefined;
  let byId = new Map<string, KeyCaller>();
  let byHash = new Map<string, KnownValue>();
  /** Values that were used since the last change, as they were sent: spares the hash on every call. */
  const recent = new Map<string, KnownValue>();
  const inOrder = createOrder();
  let isLoaded = false;

  changes.subscribe(async (table, id) => {
    if (table === 'virtual_keys' && id !== '*') await queue(() => reloadKey(id));
    else if (table === 'virtual_keys' || table === 'teams' || table === 'customers') await queue(reloadAll);
  });
  await queue(reloadAll);
  isLoaded = true;

  function queue(reload: () => Promise<void>): Promise<void> {
    return inOrder(async () => {
      try {
        await (snapshot === undefined ? reloadAll() : reload());
      } catch (error) {
        onError(error);
        // Without its database a node hears of no change anyway: what was read last serves until it is back.
        if (isAway(error)) setTimeout(() => void queue(reloadAll), RETRY_MS).unref();
        else snapshot = undefined;
      }
      recent.clear();
      if (isLoaded) onChange();
    });
  }

  async function reloadAll(): Promise<void> {
    const [keys, teams, customers] = await Promise.all([
      deps.keys.listRecords(),
      deps.teams.list(),
      deps.customers.list(),
    ]);
    snapshot = { keys: mapOf(keys), teams: mapOf(teams), customers: mapOf(customers) };
    byId = new Map();
    byHash = new Map();
    for (const key of keys) add(key, snapshot);
  }

  async function reloadKey(id: string): Promise<void> {
    const key = await deps.keys.find(id);
    if (snapshot === undefined) return;
    const { keys } = snapshot;
    const before = keys.get(id);
    if (before !== undefined) drop(before);
    if (key === undefined) keys.delete(id);
    else keys.set(id, key);
    if (key !== undefined) add(key, snapshot);
  }

  function add(key: KeyRecord, owners: Snapshot): void {
    const caller = compileKey(key, owners);
    byId.set(key.id, caller);
    byHash.set(key.value_hash, { caller, until: Infinity });
    const { previous_value_hash, previous_expires_at = 0 } = key;
    if (previous_value_hash !== undefined) byHash.set(previous_value_hash, { caller, until: previous_expires_at });
  }

  function drop({ id, value_hash, previous_value_hash = '' }: KeyRecord): void {
    byId.delete(id);
    byHash.delete(value_hash);
    byHash.delete(previous_value_hash);
  }

  const tryAgain = oneAtATime(() => queue(reloadAll));

  function demandSnapshot(): void {
    if (snapshot !== undefined) return;
    tryAgain();
    throw new GatewayError('database_unavailable', 'virtual keys cannot be checked at the moment');
  }

  return {
    findCaller(value) {
      demandSnapshot();
      const used = recent.get(value);
      const known = used ?? byHash.get(hash('sha256', value));
      if (known === undefined || (known.until !== Infinity && known.until <= Date.now())) return undefined;
      if (used === undefined) {
        if (recent.size >= MAX_RECENT) recent.clear();
        recent.set(value, known);
      }
      return known.caller;
    },
    findCallerById(id) {
      demandSnapshot();
      return byId.get(id);
    },
    find: (id) => (snapshot === undefined ? undefined : byId.get(id)?.key),
    findByName: (name) => byId.values().find(({ key }) => key.name === name)?.key,
  };
}

/** Throws `access_blocked` for a key that is switched off or past its time; inactive is said before expired. */
export function demandUsable({ name, isActive, expiresAt }: KeyPolicy, now = Date.now()): void {
  if (!isActive) throw new GatewayError('access_blocked', `the virtual key "${name}" is inactive`);
  if (expiresAt !== undefined && expiresAt <= now)
    throw new GatewayError('access_blocked', `the virtual key "${name}" has expired`);
}

/** Whether a key could be used right now. */
export function isUsable({ isActive, expiresAt }: KeyPolicy, now = Date.now()): boolean {
  return isActive && (expiresAt === undefined || expiresAt > now);
}

function compileKey(key: KeyRecord, { teams, customers }: Snapshot): KeyCaller {
  const { id, name } = key;
  const team = key.team_id === undefined ? undefined : teams.get(key.team_id);
  const customerId = key.customer_id ?? team?.customer_id;
  const customer = customerId === undefined ? undefined : customers.get(customerId);
  const limits = compileLimits([
    { kind: 'virtual_key', name, limited: key },
    ...(team === undefined ? [] : [{ kind: 'team' as const, name: team.name, limited: team }]),
    ...(customer === undefined ? [] : [{ kind: 'customer' as const, name: customer.name, limited: customer }]),
  ]);
  const policy: KeyPolicy = {
    id,
    name,
    team: reference(team),
    customer: reference(customer),
    limits,
    isActive: key.is_active,
    expiresAt: key.expires_at,
    disableContentLogging: key.disable_content_logging,
    providers: compileProviders(key.provider_configs, limits),
    allowsAllProviders: key.allow_all_providers,
  };
  return Object.freeze({
    kind: 'virtual_key',
    principal: principalOfKey(id),
    name,
    scopes: Object.freeze(['mcp' as const]),
    key: Object.freeze(policy),
  });
}

function reference(entity: Reference | undefined): Reference | undefined {
  return entity === undefined ? undefined : { id: entity.id, name: entity.name };
}

function mapOf<T extends { readonly id: string }>(entities: readonly T[]): Map<string, T> {
  return new Map(entities.map((entity) => [entity.id, entity]));
}
