import { randomUUID } from 'node:crypto';
import type { CommitProvider, ProviderEntryRules } from '../config/reconcile-providers.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { Actor, Change } from './audit.ts';
import { writeRecorded, type Recorded } from './directory-writes.ts';
import { applyProviderKey, blankProviderKey } from './provider-key-rules.ts';
import { providerFromBody } from './provider-settings.ts';
import { keyProblem, providerKeyView, providerView } from './provider-views.ts';

/**
 * What entries of config.json mean. The file says all there is to say: what it leaves out is the default, and a mask stands for
 * nothing.
 */
export const providerEntryRules: ProviderEntryRules = {
  providerFromEntry: (entry, record) => providerFromBody(entry, record, undefined, Date.now()),
  providerKeyFromEntry(entry, provider, { id = randomUUID(), ...record }) {
    const blank = blankProviderKey({ id, provider: provider.name, ...record });
    return applyProviderKey(blank, entry, { provider, now: Date.now() });
  },
  keyProblem,
};

/** How the providers of config.json are stored: each change with its record, both or neither. */
export function createCommitProvider(deps: Recorded, actor: Actor): CommitProvider {
  return ({ entity, id }, write) =>
    writeRecorded(deps, actor, async (at) => {
      const before = await view(at, entity, id);
      await write(at);
      const after = await view(at, entity, id);
      const subject = after ?? before;
      if (subject === undefined) return { result: undefined, record: [] };
      const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
      const record: Change = { action, entity, id, name: subject.name, before, after };
      return { result: undefined, record: [record] };
    });
}

async function view({ providers, providerKeys }: GovernanceStores, entity: 'provider' | 'provider_key', id: string) {
  if (entity === 'provider_key') {
    const key = await providerKeys.find(id);
    return key && providerKeyView(key);
  }
  const provider = await providers.find(id);
  return provider && providerView(provider, await providerKeys.list(id));
}
