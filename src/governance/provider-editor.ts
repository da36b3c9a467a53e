import { randomUUID } from 'node:crypto';
import type {
  KeySummary,
  ProviderCreate,
  ProviderKeyCreate,
  ProviderKeyUpdate,
  ProviderKeyView,
  ProviderUpdate,
  ProviderView,
} from '../contract/provider.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Changes } from '../store/changes.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { StoredKey } from '../store/provider-keys.ts';
import type { ProviderRecord } from '../store/providers.ts';
import type { Actor, Change } from './audit.ts';
import { writeRecorded, type Recorded } from './directory-writes.ts';
import { invalid } from './limit-rules.ts';
import { applyProviderKey, blankProviderKey } from './provider-key-rules.ts';
import { providerFromBody } from './provider-settings.ts';
import { keySummary, providerKeyView, providerView } from './provider-views.ts';

/** Which key of which provider. */
export interface KeyPlace {
  readonly provider: string;
  readonly id: string;
}

/** Providers and their keys as the management API reads and writes them. A write is live when it resolves. */
export interface ProviderEditor {
  /** Oldest first. */
  list(): Promise<ProviderView[]>;
  get(name: string): Promise<ProviderView>;
  create(body: ProviderCreate, actor: Actor): Promise<ProviderView>;
  /** All settings at once; the keys stay as they are. */
  update(name: string, body: ProviderUpdate, actor: Actor): Promise<ProviderView>;
  /** With its keys. Gives what was there. */
  remove(name: string, actor: Actor): Promise<ProviderView>;
  listAllKeys(): Promise<KeySummary[]>;
  listKeys(provider: string): Promise<ProviderKeyView[]>;
  getKey(place: KeyPlace): Promise<ProviderKeyView>;
  createKey(provider: string, body: ProviderKeyCreate, actor: Actor): Promise<ProviderKeyView>;
  updateKey(place: KeyPlace, body: ProviderKeyUpdate, actor: Actor): Promise<ProviderKeyView>;
  removeKey(place: KeyPlace, actor: Actor): Promise<ProviderKeyView>;
}

interface Deps extends Recorded {
  readonly changes: Pick<Changes, 'publish'>;
}

export function createProviderEditor(deps: Deps): ProviderEditor {
  return { ...createReads(deps), ...createProviderWrites(deps), ...createKeyWrites(deps) };
}

type Reads = Pick<ProviderEditor, 'list' | 'get' | 'listAllKeys' | 'listKeys' | 'getKey'>;
type ProviderWrites = Pick<ProviderEditor, 'create' | 'update' | 'remove'>;
type KeyWrites = Pick<ProviderEditor, 'createKey' | 'updateKey' | 'removeKey'>;

function createReads({ stores }: Deps): Reads {
  return {
    async list() {
      const keys = Map.groupBy(await stores.providerKeys.list(), (key) => key.provider);
      return (await stores.providers.list()).map((provider) => providerView(provider, keys.get(provider.name) ?? []));
    },
    get: (name) => viewProvider(stores, name),
    listAllKeys: async () => (await stores.providerKeys.list()).map(keySummary),
    async listKeys(provider) {
      await findProvider(stores, provider);
      return (await stores.providerKeys.list(provider)).map(providerKeyView);
    },
    getKey: async (place) => providerKeyView(await findKey(stores, place)),
  };
}

function createProviderWrites(deps: Deps): ProviderWrites {
  const { changes } = deps;
  /** Runs a write of one provider, tells everybody, and gives what is to be answered. */
  const write = async (
    name: string,
    actor: Actor,
    run: (at: GovernanceStores) => Promise<Pick<Change, 'action'> & { before?: ProviderView; after?: ProviderView }>,
  ): Promise<ProviderView> => {
    const view = await writeRecorded(deps, actor, async (at) => {
      const { action, before, after } = await run(at);
      const result = after ?? before;
      if (result === undefined) throw unknownProvider(name);
      return { result, record: [{ action, entity: 'provider', id: name, name, before, after }] };
    });
    await changes.publish('providers', name);
    return view;
  };

  return {
    create(body, actor) {
      const name = nameOf(body);
      return write(name, actor, async (at) => {
        const now = Date.now();
        const provider = providerFromBody(body, { name, config_hash: '', created_at: now }, undefined, now);
        await at.providers.insert(provider);
        for (const [index, entry] of (body.keys ?? []).entries()) {
          // One after the other in time too, so that they keep their order.
          const context = { provider, now: now + index, place: `keys[${index}].` };
          await at.providerKeys.insert(newKey(entry, context));
        }
        return { action: 'create', after: await viewProvider(at, name) };
      });
    },

    update: (name, body, actor) =>
      write(name, actor, async (at) => {
        const stored = await findProvider(at, name);
        if (typeof body.name === 'string' && body.name !== name)
          throw invalid('name', 'differs from the name in the path; a provider keeps its name for life');
        const before = await viewProvider(at, name);
        await at.providers.update(providerFromBody(body, stored, stored, Date.now()));
        return { action: 'update', before, after: await viewProvider(at, name) };
      }),

    remove: (name, actor) =>
      write(name, actor, async (at) => {
        const before = await viewProvider(at, name);
        await at.providers.remove(name);
        return { action: 'delete', before };
      }),
  };
}

function createKeyWrites(deps: Deps): KeyWrites {
  const { changes } = deps;
  const write = async (
    provider: string,
    actor: Actor,
    run: (at: GovernanceStores) => Promise<{ action: Change['action']; before?: StoredKey; after?: StoredKey }>,
  ): Promise<ProviderKeyView> => {
    const view = await writeRecorded(deps, actor, async (at) => {
      const { action, before, after } = await run(at);
      const result = after ?? before;
      if (result === undefined) throw unknownProvider(provider);
      const views = { before: before && providerKeyView(before), after: after && providerKeyView(after) };
      const record: Change = { action, entity: 'provider_key', id: result.id, name: result.name, ...views };
      return { result: providerKeyView(result), record: [record] };
    });
    await changes.publish('providers', provider);
    return view;
  };

  return {
    createKey: (provider, body, actor) =>
      write(provider, actor, async (at) => {
        const after = newKey(body, { provider: await findProvider(at, provider), now: Date.now() });
        await at.providerKeys.insert(after);
        return { action: 'create', after };
      }),

    updateKey: (place, body, actor) =>
      write(place.provider, actor, async (at) => {
        const provider = await findProvider(at, place.provider);
        const before = await findKey(at, place);
        checkSame('id', place.id, body['id']);
        checkSame('provider', place.provider, body['provider']);
        const after = applyProviderKey(before, body, { provider, now: Date.now() });
        await at.providerKeys.update(after);
        return { action: 'update', before, after };
      }),

    removeKey: (place, actor) =>
      write(place.provider, actor, async (at) => {
        const before = await findKey(at, place);
        await at.providerKeys.remove(place.id);
        return { action: 'delete', before };
      }),
  };
}

function newKey(body: ProviderKeyCreate, context: Parameters<typeof applyProviderKey>[2]): StoredKey {
  const identity = { id: randomUUID(), provider: context.provider.name, config_hash: '', created_at: context.now };
  return applyProviderKey(blankProviderKey(identity), body, context);
}

function nameOf({ name, provider }: ProviderCreate): string {
  if (name !== undefined && provider !== undefined && name !== provider)
    throw invalid('provider', 'is another spelling of name and differs from it; send one of them');
  const given = name ?? provider;
  if (given === undefined) throw invalid('name', 'is required, such as "openai"');
  return given;
}

function checkSame(field: 'id' | 'provider', inPath: string, sent: unknown): void {
  if (sent === undefined || sent === null || sent === inPath) return;
  throw invalid(field, `differs from the one in the path, which cannot be changed`);
}

async function viewProvider(at: GovernanceStores, name: string): Promise<ProviderView> {
  return providerView(await findProvider(at, name), await at.providerKeys.list(name));
}

async function findProvider({ providers }: GovernanceStores, name: string): Promise<ProviderRecord> {
  const provider = await providers.find(name);
  if (provider === undefined) throw unknownProvider(name);
  return provider;
}

/** A key of another provider is not found: its id says nothing about this one. */
async function findKey(at: GovernanceStores, { provider, id }: KeyPlace): Promise<StoredKey> {
  await findProvider(at, provider);
  const key = await at.providerKeys.find(id);
  if (key?.provider !== provider) throw new GatewayError('not_found', `there is no key "${id}" of "${provider}"`);
  return key;
}

function unknownProvider(name: string): GatewayError {
  return new GatewayError('not_found', `there is no provider "${name}"`);
}
