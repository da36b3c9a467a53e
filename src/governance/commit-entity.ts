import type { CommitEntity, EntityName } from '../config/reconcile-kind.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { Actor } from './audit.ts';
import { viewCustomers, viewKeys, viewTeams } from './directory-views.ts';
import { auditContext, writeRecorded, type Recorded } from './directory-writes.ts';
import type { ViewContext } from './entity-views.ts';
import { viewPrice } from './pricing-overrides.ts';
import { entityChange } from './recorded-changes.ts';

interface Deps extends Recorded {
  /** Asked for with every change, and only then. */
  readonly context: () => Promise<ViewContext>;
}

/** How the customers, teams, keys and prices of config.json are stored: each change with its record, both or neither. */
export function createCommitEntity(deps: Deps, actor: Actor): CommitEntity {
  return async ({ entity, id, action }, write) => {
    // Before the transaction: on SQLite nothing else can be read while it is open.
    const context = auditContext(await deps.context());
    await writeRecorded(deps, actor, async (at) => {
      const before = await view(at, entity, id, context);
      const after = await view(at, entity, await write(at), context);
      return { result: undefined, record: entityChange(entity, before, after, action) };
    });
  };
}

async function view(at: GovernanceStores, entity: EntityName, id: string | undefined, context: ViewContext) {
  if (id === undefined) return undefined;
  switch (entity) {
    case 'customer': {
      const customer = await at.customers.find(id);
      return customer && (await viewCustomers(at, [customer], context))[0];
    }
    case 'team': {
      const team = await at.teams.find(id);
      return team && (await viewTeams(at, [team], context))[0];
    }
    case 'virtual_key': {
      const key = await at.keys.find(id);
      return key && (await viewKeys(at, [key], context, true))[0];
    }
    case 'pricing_override': {
      const price = await at.prices.find(id);
      return price && viewPrice(price);
    }
  }
}
