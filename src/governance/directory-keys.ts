import type { McpConfigInput } from '../contract/governance.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import { GATEWAY, type Change } from './audit.ts';
import type { DirectoryDeps } from './directory-deps.ts';
import { createKeyActions } from './directory-key-actions.ts';
import { findKey, viewKey, viewKeys } from './directory-views.ts';
import { announce, auditContext, loadRuleContext, unknownEntity, writeRecorded } from './directory-writes.ts';
import { applyKey, newKey } from './entity-rules.ts';
import { quotaView, type ViewContext } from './entity-views.ts';
import { applyGrants } from './grant-rules.ts';
import { budgetsOf } from './key-changes.ts';
import type { KeyDirectory } from './key-directory.ts';
import { budgetResets, entityChange } from './recorded-changes.ts';

export function createKeyDirectory(deps: DirectoryDeps): KeyDirectory {
  return { ...createKeyReads(deps), ...createKeyWrites(deps), ...createKeyActions(deps) };
}

type Reads = Pick<KeyDirectory, 'list' | 'get' | 'quota'>;
type Writes = Pick<KeyDirectory, 'create' | 'update' | 'remove' | 'removeExpired'>;

function createKeyReads(deps: DirectoryDeps): Reads {
  const { stores } = deps;
  return {
    async list(page) {
      const { keys, total_count } = await stores.keys.page(page);
      return { virtual_keys: await viewKeys(stores, keys, deps, page.limit !== undefined), total_count };
    },
    get: (id) => viewKey(stores, id, deps),
    quota: async (id) => quotaView(await findKey(stores, id), deps),
  };
}

function createKeyWrites(deps: DirectoryDeps): Writes {
  const { stores, changes } = deps;
  const context = auditContext(deps);
  return {
    async create(body, actor) {
      const { id } = await writeRecorded(deps, actor, async (at) => {
        const key = newKey(body, await loadRuleContext(at, body));
        const { id } = key;
        await at.keys.insert(key);
        await writeGrants(at, id, body.mcp_configs ?? [], true);
        const record = entityChange('virtual_key', undefined, await viewKey(at, id, context));
        return { result: { id }, record };
      });
      await announce(changes, 'virtual_keys', [id]);
      return viewKey(stores, id, deps);
    },

    async update(id, body, actor) {
      const isReset = body.reset_budget_usage === true;
      const key = await writeRecorded(deps, actor, async (at) => {
        const before = await viewKey(at, id, context);
        const key = applyKey(await findKey(at, id), body, await loadRuleContext(at, body));
        await at.keys.update(key);
        await writeGrants(at, id, body.mcp_configs, false);
        const after = await viewKey(at, id, context);
        const budgets = [after, ...after.provider_configs].flatMap((limited) => limited.budgets);
        const record = [
          ...entityChange('virtual_key', before, after),
          ...(isReset ? budgetResets(after, budgets) : []),
        ];
        return { result: key, record };
      });
      await announce(changes, 'virtual_keys', [id]);
      if (isReset) await deps.resetUsage(budgetsOf(key).map((budget) => budget.id));
      return viewKey(stores, id, deps);
    },

    async remove(id, actor) {
      await writeRecorded(deps, actor, async (at) => {
        const record = await removeKey(at, id, context);
        if (record === undefined) throw unknownEntity('virtual key', id);
        return { result: undefined, record };
      });
      await announce(changes, 'virtual_keys', [id]);
    },

    async removeExpired(now) {
      const { delete_expired_virtual_keys: byDefault } = deps.settings();
      const ids = await writeRecorded(deps, GATEWAY, async (at) => {
        const expired = await at.keys.listExpired(now);
        const ids = expired.filter((key) => key.delete_after_expire ?? byDefault).map((key) => key.id);
        const record: Change[] = [];
        for (const id of ids) record.push(...((await removeKey(at, id, context)) ?? []));
        return { result: ids, record };
      });
      await announce(changes, 'virtual_keys', ids);
      return ids.length;
    },
  };
}

/** Gives what is to be recorded; undefined when there was no such key. */
async function removeKey(at: GovernanceStores, id: string, context: ViewContext): Promise<Change[] | undefined> {
  const key = await at.keys.find(id);
  if (key === undefined) return undefined;
  const [before] = await viewKeys(at, [key], context, true);
  await at.keys.remove(id);
  return entityChange('virtual_key', before, undefined);
}

/** Replaces what a key may call, unless nothing was sent. */
async function writeGrants(
  at: GovernanceStores,
  keyId: string,
  entries: readonly McpConfigInput[] | null | undefined,
  isNew: boolean,
): Promise<void> {
  if (entries === undefined) return;
  const before = isNew ? [] : await at.grants.list({ virtual_key_id: keyId });
  // Their secrets are decrypted on the way, so they are only read where an entry names one.
  const clients = entries === null || entries.length === 0 ? [] : await at.clients.list();
  const after = applyGrants(before, entries, { clients, isNew });
  await at.grants.replaceOfKey(
    keyId,
    after.map((grant) => ({ ...grant })),
  );
}
