import { z } from 'zod';
import { ApiKeyCreate, ApiKeyView } from '../../contract/api-key.ts';
import type { ApiKeyScope } from '../../contract/api-key.ts';
import { describeChange, type Actor } from '../../governance/audit.ts';
import type { Caller } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { AccountStore, NewApiKey } from '../../store/accounts.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { PAGING, pageOf } from '../query.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

type Accounts = Pick<AccountStore, 'with' | 'list' | 'find'>;

interface Deps {
  readonly accounts: Accounts;
  readonly changes: Pick<Changes, 'publish'>;
  readonly database: Pick<Database, 'transaction'>;
  readonly audit: Pick<AuditStore, 'with'>;
}

const ApiKeyList = z.object({
  api_keys: z.array(ApiKeyView),
  count: z.int(),
  total_count: z.int(),
  limit: z.int(),
  offset: z.int(),
});
const OneKey = z.object({ api_key: ApiKeyView });
const CreatedKey = OneKey.extend({
  key: z.string().meta({ description: 'The key itself. It is shown here once and never again.' }),
});
const Removed = z.object({ message: z.string() });

/** `/api/api-keys`: the keys of the management API. */
export function apiKeyRoutes(deps: Deps): readonly Route[] {
  const { accounts, changes } = deps;
  return [
    ...readRoutes(accounts),
    route({
      method: 'post',
      path: '/api/api-keys',
      summary: 'Create an API key',
      description: 'Nobody can grant a scope that they lack.',
      scope: 'admin',
      body: ApiKeyCreate,
      response: CreatedKey,
      async handle({ body, caller, actor }) {
        const scopes = body.scopes ?? ['read', 'write'];
        checkGrant(caller, scopes);
        checkFuture(body.expires_at);
        const creator = caller?.user === undefined ? {} : { created_by_user_id: caller.user.id };
        const { apiKey, key } = await createKey(deps, { ...body, ...creator, scopes }, actor);
        await changes.publish('api_keys', String(apiKey.id));
        return { api_key: apiKey, key };
      },
    }),
    route({
      method: 'delete',
      path: '/api/api-keys/{id}',
      summary: 'Delete an API key',
      description: 'The key stops working before the answer is sent.',
      scope: 'admin',
      response: Removed,
      async handle({ params, actor }) {
        await removeKey(deps, params.id, actor);
        await changes.publish('api_keys', params.id);
        return { message: 'API key removed successfully' };
      },
    }),
  ];
}

function readRoutes(accounts: Accounts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/api-keys',
      summary: 'List the API keys',
      scope: 'admin',
      query: z.object(PAGING),
      response: ApiKeyList,
      async handle({ query: { search, ...rest } }) {
        const page = pageOf({ search, ...rest });
        const { api_keys, total_count } = await accounts.list({ ...(search === undefined ? {} : { search }), ...page });
        const count = api_keys.length;
        return { api_keys, count, total_count, limit: page?.limit ?? count, offset: page?.offset ?? 0 };
      },
    }),
    route({
      method: 'get',
      path: '/api/api-keys/{id}',
      summary: 'Get an API key',
      scope: 'admin',
      response: OneKey,
      async handle({ params }) {
        const api_key = await accounts.find(keyId(params.id));
        if (api_key === undefined) throw unknownKey(params.id);
        return { api_key };
      },
    }),
  ];
}

function createKey({ database, accounts, audit }: Deps, input: NewApiKey, actor: Actor) {
  return database.transaction(async (tx) => {
    const created = await accounts.with(tx).create(input);
    const { id, name } = created.apiKey;
    const change = { action: 'create', entity: 'api_key', id: String(id), name, after: created.apiKey } as const;
    await audit.with(tx).append(describeChange(actor, change));
    return created;
  });
}

function removeKey({ database, accounts, audit }: Deps, id: string, actor: Actor): Promise<void> {
  return database.transaction(async (tx) => {
    const stored = accounts.with(tx);
    const before = await stored.find(keyId(id));
    if (before === undefined || !(await stored.remove(before.id))) throw unknownKey(id);
    const change = { action: 'delete', entity: 'api_key', id: String(before.id), name: before.name, before } as const;
    await audit.with(tx).append(describeChange(actor, change));
  });
}

function checkGrant(caller: Caller | undefined, scopes: readonly ApiKeyScope[]): void {
  const missing = scopes.find((scope) => caller?.scopes.includes(scope) !== true);
  if (missing === undefined) return;
  throw new GatewayError('forbidden', `you lack the scope "${missing}" and cannot grant it`, {
    details: { scope: missing },
  });
}

function checkFuture(time: string | null | undefined): void {
  if (typeof time !== 'string' || Date.parse(time) > Date.now()) return;
  throw new GatewayError('invalid_request', 'expires_at: must lie in the future');
}

function keyId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new GatewayError('invalid_request', 'the id of an API key must be a number');
}

function unknownKey(id: string): GatewayError {
  return new GatewayError('not_found', `there is no API key ${id}`);
}
