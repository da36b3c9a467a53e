import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { GovernanceSection } from '../contract/config.ts';
import { CONFIG_FILE } from '../governance/audit.ts';
import { createCommitEntity } from '../governance/commit-entity.ts';
import { priceFromEntry } from '../governance/from-config.ts';
import { createPricingOverrides } from '../governance/pricing-overrides.ts';
import { createEncryption } from '../lib/encryption.ts';
import { createAuditStore } from '../store/audit.ts';
import { createGovernanceStores } from '../store/governance-stores.ts';
import { reconcilePrices } from './reconcile-prices.ts';

const encryption = createEncryption(randomBytes(32));
const OPERATOR = { principal: 'api-key:1', name: 'admin', request: undefined };
const patch = { input: 1, output: 2 };
const llama = { id: 'llama', name: 'Llamas', match_type: 'wildcard', pattern: 'llama*', patch };
const vllm = { name: 'Ours', scope_kind: 'provider', provider_id: 'vLLM', pattern: 'qwen', patch };

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const database = await openTestDatabase(type);
    const stores = createGovernanceStores(database.db, encryption);
    const audit = createAuditStore(database.db, encryption.deriveKey('audit'));
    const usage = () => ({ used: 0, window_start: 0, window_end: 0 });
    const context = async () => ({ usage, describeClient: () => undefined });
    const commit = createCommitEntity({ database, stores, audit, context }, CONFIG_FILE);
    const { prices } = stores;
    const overTheApi = createPricingOverrides({ database, prices, audit, changes: { publish: async () => {} } });
    /** What the audit trail says so far, such as "create pricing_override Llamas". */
    const trail = async () =>
      (await audit.listAfter(0, 100)).map(({ action, entity, entity_name }) => `${action} ${entity} ${entity_name}`);
    const reconcile = async (pricing_overrides: unknown, isFileTheTruth = false) => {
      const lines: string[] = [];
      const log = {
        info: (line: string) => void lines.push(line),
        error: (line: string) => void lines.push(`! ${line}`),
      };
      const { pricing_overrides: entries } = GovernanceSection.parse({ pricing_overrides });
      await reconcilePrices({ entries, isFileTheTruth, stores, commit, priceFromEntry, log });
      return lines.map((line) => line.replace('Pricing override ', '').replace(' of config.json', ''));
    };
    return { overTheApi, audit, trail, reconcile, [Symbol.asyncDispose]: () => database.close() };
  }

  test('an entry is inserted as the API would write it, in the order of the file', async () => {
    await using it = await open();
    expect(await it.reconcile([llama, vllm])).toEqual(['"Llamas": inserted', '"Ours": inserted']);
    const [first, second] = await it.overTheApi.list();
    expect(first).toMatchObject({ ...llama, scope_kind: 'global' });
    expect(second).toMatchObject({ ...vllm, provider_id: 'vllm', match_type: 'exact' });
    expect(await it.trail()).toEqual(['create pricing_override Llamas', 'create pricing_override Ours']);
    expect(await it.audit.find(1)).toMatchObject({
      ...{ actor: 'config.json', entity_id: 'llama', before: null, request: null },
      after: { name: 'Llamas', patch },
    });
  });

  test('an entry that is as before leaves alone what the API changed; one that changed wins', async () => {
    await using it = await open();
    await it.reconcile([llama]);
    const [before] = await it.overTheApi.list();
    await it.overTheApi.update('llama', { patch: { input: 7, output: 8, cache_read: 1 } }, OPERATOR);
    // Only how it is written has changed.
    expect(await it.reconcile([{ ...llama, id: undefined, scope_kind: 'global' }])).toEqual(['"Llamas": kept']);
    expect(await it.overTheApi.list()).toMatchObject([{ patch: { input: 7, output: 8, cache_read: 1 } }]);

    const changed = { ...llama, name: 'All llamas', pattern: '*llama*' };
    expect(await it.reconcile([changed])).toEqual(['"All llamas": updated']);
    const [after] = await it.overTheApi.list();
    expect(after).toEqual({ ...before, ...changed, updated_at: after?.updated_at });
    expect(await it.reconcile([changed])).toEqual(['"All llamas": kept']);
    expect((await it.trail()).slice(2)).toEqual(['update pricing_override All llamas']);
    expect(await it.audit.find(3)).toMatchObject({
      ...{ actor: 'config.json', before: { patch: { input: 7 } }, after: { pattern: '*llama*', patch } },
    });
  });

  test('a row that the API made is found by its name', async () => {
    await using it = await open();
    const { id } = await it.overTheApi.create({ ...llama, scope_kind: 'global', match_type: 'wildcard' }, OPERATOR);
    expect(await it.reconcile([{ ...llama, patch: { input: 3, output: 4 } }])).toEqual(['"Llamas": updated']);
    expect(await it.overTheApi.list()).toMatchObject([{ id, patch: { input: 3, output: 4 } }]);
  });

  test('what the file does not name stays, unless the file is the truth of that section', async () => {
    await using it = await open();
    await it.reconcile([llama, vllm]);
    expect(await it.reconcile([])).toEqual([]);
    expect(await it.reconcile(undefined, true)).toEqual([]);
    // By another name it takes the place of the one that goes, which had the same pattern.
    const renamed = { ...vllm, name: 'Theirs' };
    expect(await it.reconcile([llama, renamed], true)).toEqual([
      '"Ours": pruned',
      '"Llamas": kept',
      '"Theirs": inserted',
    ]);
    expect((await it.overTheApi.list()).map(({ name }) => name)).toEqual(['Llamas', 'Theirs']);
    expect((await it.trail()).slice(2)).toEqual(['delete pricing_override Ours', 'create pricing_override Theirs']);
  });

  test('a bad entry is refused alone with its field, and does not cost its row', async () => {
    await using it = await open();
    await it.reconcile([llama]);
    const lines = await it.reconcile(
      [
        { ...llama, match_type: 'exact' },
        { ...vllm, provider_id: undefined },
        { ...vllm, name: 'nowhere', scope_kind: 'global' },
        { ...llama, id: undefined, name: 'same pattern' },
        { name: 'good', pattern: 'mistral', patch },
        { name: 'good', pattern: 'mixtral', patch },
        { ...llama, name: 'by the same id', pattern: 'other*' },
      ],
      true,
    );
    const twin = 'refused, an earlier entry names the same one';
    expect(lines).toEqual([
      '! "Llamas": refused, pattern: a * needs the match_type wildcard',
      '! "Ours": refused, provider_id: must name a provider when scope_kind is provider',
      '! "nowhere": refused, provider_id: must be absent unless scope_kind is provider',
      '! "same pattern": refused, pattern: another pricing override has the same scope, match type and pattern "llama*"; change that one',
      '"good": inserted',
      `! "good": ${twin}`,
      `! "by the same id": ${twin}`,
    ]);
    expect((await it.overTheApi.list()).map(({ name }) => name)).toEqual(['Llamas', 'good']);
    expect((await it.trail()).slice(1)).toEqual(['create pricing_override good']);
  });

  test('two processes that start from the same file insert it once', async () => {
    await using it = await open();
    await Promise.all([it.reconcile([llama, vllm]), it.reconcile([llama, vllm])]);
    expect(await it.overTheApi.list()).toHaveLength(2);
    expect(await it.trail()).toHaveLength(2);
  });
});
