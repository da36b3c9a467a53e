import { z } from 'zod';
import { ApiKeyCreate, ApiKeyView } from '../../contract/api-key.ts';
import type { ApiKeyScope } from '../../contract/api-key.ts';
import type { Caller } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { AccountStore } from '../../store/accounts.ts';
import type { Changes } from '../../store/changes.ts';
import { PAGING, pageOf } from '../query.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

type Accounts = Pick<AccountStore, 'create' | 'list' | 'find' | 'remove'>;

interface Deps {
  readonly accounts: Accounts;
  readonly changes: Pick<Changes, 'publish'>;
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
export function apiKeyRoutes({ accounts, changes }: Deps): readonly Route[] {
  return [
    ...readRoutes(accounts),
    route({
      method: 'post',
      path: '/api/api-keys',
      summary: 'Create an API key',
      description: 'Nobody can grant a scope that the calling key lacks.',
      scope: 'write',
      body: ApiKeyCreate,
      response: CreatedKey,
      async handle({ body, caller }) {
        const scopes = body.scopes ?? ['read', 'write'];
        checkGrant(caller, scopes);
        checkFuture(body.expires_at);
        const { apiKey, key } = await accounts.create({ ...body, scopes });
        await changes.publish('api_keys', String(apiKey.id));
        return { api_key: apiKey, key };
      },
    }),
    route({
      method: 'delete',
      path: '/api/api-keys/{id}',
      summary: 'Delete an API key',
      description: 'The key stops working before the answer is sent.',
      scope: 'write',
      response: Removed,
      async handle({ params }) {
        if (!(await accounts.remove(keyId(params.id)))) throw unknownKey(params.id);
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
      scope: 'read',
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
      scope: 'read',
      response: OneKey,
      async handle({ params }) {
        const api_key = await accounts.find(keyId(params.id));
        if (api_key === undefined) throw unknownKey(params.id);
        return { api_key };
      },
    }),
  ];
}

function checkGrant(caller: Caller | undefined, scopes: readonly ApiKeyScope[]): void {
  const missing = scopes.find((scope) => caller?.scopes.includes(scope) !== true);
  if (missing === undefined) return;
  throw new GatewayError('forbidden', `your API key lacks the scope "${missing}" and cannot grant it`, {
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
