import { expect } from 'vitest';
import type { AuditLog } from '../../src/contract/audit.ts';
import type { VirtualKeyView } from '../../src/contract/governance.ts';
import type { ProviderView } from '../../src/contract/provider.ts';
import type { DatabaseOptions } from '../../src/store/database.ts';
import { httpClient, type GatewayAccess } from './gateway.ts';
import { addUser, PASSWORD } from './browser-session.ts';
import { exchangeSettings, startExchangeProvider } from './exchange-provider.ts';
import { createKey } from './keys.ts';
import { readLogs } from './logs.ts';
import { registerClient } from './oauth-client.ts';
import { personalClient, requiredIn, SAMPLE } from './personal.ts';
import { storeToken } from './oauth.ts';

type Entry = Pick<AuditLog, 'action' | 'entity' | 'entity_id' | 'entity_name' | 'after'>;

/** What a write is made in: a gateway, and the address of a server. */
export interface World {
  readonly gateway: GatewayAccess;
  readonly url: string;
  /** What the gateway keeps everything in. */
  readonly database: DatabaseOptions;
}

/** One successful request of a route that writes, and the entries that it must leave. */
export interface Write {
  /** What must be there before. Gives the ids in the path. */
  prepare?(world: World): Promise<string | readonly string[]>;
  readonly body?: (world: World, ids: readonly string[]) => object;
  /** Newest first where there are several. The entity is that of the last id in the path, unless it says something else. */
  readonly leaves: Partial<Entry> | readonly Partial<Entry>[];
}

const budgets = [{ max_limit: 5, reset_duration: '1d' }];

/** Makes a virtual key, team or customer; gives its id. */
const an =
  (kind: 'virtual_key' | 'team' | 'customer') =>
  async ({ gateway }: World): Promise<string> => {
    const { body } = await gateway.api('POST', `/api/governance/${kind.replace('_', '-')}s`, {
      name: 'former',
      budgets,
    });
    return (body[kind] as { id: string }).id;
  };

async function aProvider(world: World): Promise<string> {
  const [provider = ''] = await aProviderKey(world);
  return provider;
}

async function aProviderKey({ gateway }: World): Promise<string[]> {
  const keys = [{ name: 'first', value: 'sk-1' }];
  const { body } = await gateway.api('POST', '/api/providers', { name: 'openai', keys });
  return ['openai', ...(body as ProviderView).keys.map(({ id }) => id)];
}

async function aBudget(world: World): Promise<string[]> {
  const id = await an('virtual_key')(world);
  const { body } = await world.gateway.api('GET', `/api/governance/virtual-keys/${id}`);
  return [id, (body['virtual_key'] as VirtualKeyView).budgets[0]?.id ?? ''];
}

async function anOverride(world: World): Promise<string[]> {
  const [id = '', budget = ''] = await aBudget(world);
  const place = `/api/governance/virtual-keys/${id}/budgets/${budget}/override`;
  await world.gateway.api('PUT', place, { amount: 1, mode: 'forever' });
  return [id, budget];
}

/** One line for each of the three routes of a kind that write. */
const ownerWrites = (kind: 'virtual_key' | 'team' | 'customer'): Record<string, Write> => {
  const path = `/api/governance/${kind.replace('_', '-')}s`;
  const subject = { entity: kind, entity_name: 'new' };
  return {
    [`POST ${path}`]: { body: () => ({ name: 'new', budgets }), leaves: { action: 'create', ...subject } },
    [`PUT ${path}/{id}`]: {
      prepare: an(kind),
      body: () => ({ name: 'new', reset_budget_usage: true }),
      leaves: [
        { action: 'reset', entity: 'budget', entity_name: 'new', entity_id: expect.any(String) as string },
        { action: 'update', ...subject },
      ],
    },
    [`DELETE ${path}/{id}`]: {
      prepare: an(kind),
      leaves: { action: 'delete', entity: kind, entity_name: 'former' },
    },
  };
};

/** A server that knows each caller, and what the admin key has entered for it, or the form where it is to. */
async function aSession({ gateway, url }: World, isEntered: boolean): Promise<string> {
  await gateway.createClient(personalClient(url, { user_headers: SAMPLE }));
  const { session_id = '' } = requiredIn(await gateway.execute('c1-echo'));
  if (!isEntered) return session_id;
  const path = `/api/mcp/per-user-headers/flows/${session_id}`;
  return String((await gateway.api('PUT', path, { headers: SAMPLE })).body['credential_id']);
}

/** A call that waits, made by somebody else than who decides. */
async function anApproval({ gateway, url }: World): Promise<string> {
  await gateway.createClient(httpClient(url, { tools_to_approve: ['echo'], allow_on_all_virtual_keys: true }));
  const { value } = await createKey(gateway, 'calls');
  const { body } = await gateway.execute('c1-echo', { text: 'hi' }, { authorization: `Bearer ${value}` });
  return (body['extra_fields'] as { approval: { id: string } }).approval.id;
}
const aPrice = (name: string) => ({ name, pattern: name, patch: { input: 1, output: 2 } });
const PRICES = '/api/governance/pricing-overrides';
/** Sets a price for a model; gives its id. */
const aFormerPrice =
  (name: string) =>
  async ({ gateway }: World): Promise<string> => {
    const { body } = await gateway.api('POST', PRICES, aPrice(name));
    return (body['pricing_override'] as { id: string }).id;
  };

const aClient = ({ gateway, url }: World) => gateway.createClient(httpClient(url));

/** A server for which tokens are exchanged, and a token. The provider lives as long as the tests. */
async function anExchange({ gateway, url }: World): Promise<string[]> {
  const idp = await startExchangeProvider();
  const token_exchange = exchangeSettings(idp);
  const id = await gateway.createClient(httpClient(url, { auth_type: 'token_exchange', token_exchange }));
  return [id, await idp.tokenOf('ann')];
}

/** A new route that writes needs a line here, or below. */
export const WRITES: Readonly<Record<string, Write>> = {
  'POST /api/mcp/client': {
    body: ({ url }) => httpClient(url),
    leaves: { action: 'create', entity: 'mcp_client', entity_name: 'c1' },
  },
  'PUT /api/mcp/client/{id}': {
    prepare: aClient,
    body: () => ({ name: 'renamed' }),
    leaves: { action: 'update', entity: 'mcp_client', entity_name: 'renamed' },
  },
  'DELETE /api/mcp/client/{id}': { prepare: aClient, leaves: { action: 'delete', entity: 'mcp_client' } },
  'POST /api/mcp/client/{id}/reconnect': { prepare: aClient, leaves: { action: 'reconnect', entity: 'mcp_client' } },
  'POST /api/mcp/client/{id}/refresh-tools': { prepare: aClient, leaves: { action: 'refresh', entity: 'mcp_client' } },
  'POST /api/api-keys': {
    body: () => ({ name: 'ci' }),
    leaves: { action: 'create', entity: 'api_key', entity_name: 'ci' },
  },
  'DELETE /api/api-keys/{id}': {
    async prepare({ gateway }) {
      const { body } = await gateway.api('POST', '/api/api-keys', { name: 'ci' });
      return String((body['api_key'] as { id: number }).id);
    },
    leaves: { action: 'delete', entity: 'api_key', entity_name: 'ci' },
  },
  'POST /api/mcp/client/{id}/verify-headers': {
    prepare: ({ gateway, url }) => gateway.createClient(personalClient(url)),
    body: () => ({ user_headers: SAMPLE }),
    leaves: { action: 'refresh', entity: 'mcp_client' },
  },
  'POST /api/mcp/client/{id}/verify-exchange': {
    prepare: anExchange,
    body: (_, [, token]) => ({ subject_token: token }),
    leaves: { action: 'refresh', entity: 'mcp_client' },
  },
  'PUT /api/mcp/per-user-headers/flows/{id}': {
    prepare: (world) => aSession(world, false),
    body: () => ({ headers: SAMPLE }),
    leaves: {
      action: 'create',
      entity: 'mcp_session',
      entity_name: 'c1 / admin',
      entity_id: expect.any(String) as string,
    },
  },
  'DELETE /api/mcp/per-user-headers/credential/{id}': {
    prepare: (world) => aSession(world, true),
    leaves: { action: 'delete', entity: 'mcp_session' },
  },
  'POST /api/mcp/sessions/{id}/reauth': {
    prepare: (world) => aSession(world, true),
    leaves: { action: 'refresh', entity: 'mcp_session' },
  },
  'DELETE /api/mcp/sessions/{id}': {
    prepare: (world) => aSession(world, true),
    leaves: { action: 'delete', entity: 'mcp_session' },
  },
  'POST /api/mcp/approvals/{id}/approve': {
    prepare: anApproval,
    leaves: { action: 'approve', entity: 'mcp_approval', entity_name: 'c1 / echo' },
  },
  'POST /api/mcp/approvals/{id}/deny': {
    prepare: anApproval,
    body: () => ({ note: 'no' }),
    leaves: { action: 'deny', entity: 'mcp_approval', entity_name: 'c1 / echo' },
  },
  'DELETE /api/oauth/config/{id}': {
    prepare: ({ database }) => storeToken(database),
    leaves: { action: 'delete', entity: 'oauth_config', entity_name: 'wiki-id' },
  },
  'DELETE /api/oauth2/sessions/{id}': {
    async prepare({ gateway }) {
      await gateway.api('PUT', '/api/config', { client_config: { mcp_server_auth_mode: 'both' } });
      await (await registerClient(gateway.address)).signIn((await createKey(gateway, 'signs in')).value);
      const { body } = await gateway.api('GET', '/api/oauth2/sessions');
      return String((body['sessions'] as { id: string }[])[0]?.id);
    },
    leaves: { action: 'delete', entity: 'oauth_session', entity_name: 'Test client' },
  },
  'POST /api/users': {
    body: () => ({ username: 'ann', password: PASSWORD }),
    leaves: { action: 'create', entity: 'user', entity_name: 'ann' },
  },
  'PUT /api/users/{id}': {
    prepare: ({ gateway }) => addUser(gateway, 'ben', 'viewer'),
    body: () => ({ role: 'editor' }),
    leaves: { action: 'update', entity: 'user', entity_name: 'ben' },
  },
  'DELETE /api/users/{id}': {
    prepare: ({ gateway }) => addUser(gateway, 'cat', 'viewer'),
    leaves: { action: 'delete', entity: 'user', entity_name: 'cat' },
  },
  'PUT /api/config': {
    body: () => ({ client_config: { mcp_agent_depth: 3 } }),
    leaves: { action: 'update', entity: 'settings', entity_id: 'client' },
  },
  [`POST ${PRICES}`]: {
    body: () => aPrice('new'),
    leaves: { action: 'create', entity: 'pricing_override', entity_name: 'new' },
  },
  [`PUT ${PRICES}/{id}`]: {
    prepare: aFormerPrice('former'),
    body: () => ({ name: 'renamed' }),
    leaves: { action: 'update', entity: 'pricing_override', entity_name: 'renamed' },
  },
  [`DELETE ${PRICES}/{id}`]: {
    prepare: aFormerPrice('gone'),
    leaves: { action: 'delete', entity: 'pricing_override', entity_name: 'gone' },
  },
  ...ownerWrites('virtual_key'),
  ...ownerWrites('team'),
  ...ownerWrites('customer'),
  'POST /api/providers': {
    body: () => ({ name: 'openai', keys: [{ name: 'first', value: 'sk-1' }] }),
    leaves: { action: 'create', entity: 'provider', entity_id: 'openai', entity_name: 'openai' },
  },
  'PUT /api/providers/{provider}': {
    prepare: aProvider,
    body: () => ({ description: 'new' }),
    leaves: { action: 'update', entity: 'provider', entity_name: 'openai' },
  },
  'DELETE /api/providers/{provider}': { prepare: aProvider, leaves: { action: 'delete', entity: 'provider' } },
  'POST /api/providers/{provider}/keys': {
    prepare: aProvider,
    body: () => ({ name: 'second', value: 'sk-2' }),
    leaves: {
      ...{ action: 'create', entity: 'provider_key', entity_name: 'second' },
      entity_id: expect.any(String) as string,
    },
  },
  'PUT /api/providers/{provider}/keys/{key_id}': {
    prepare: aProviderKey,
    body: () => ({ weight: 2 }),
    leaves: { action: 'update', entity: 'provider_key', entity_name: 'first' },
  },
  'DELETE /api/providers/{provider}/keys/{key_id}': {
    prepare: aProviderKey,
    leaves: { action: 'delete', entity: 'provider_key', entity_name: 'first' },
  },
  'POST /api/governance/virtual-keys/{id}/rotate': {
    prepare: an('virtual_key'),
    leaves: { action: 'rotate', entity: 'virtual_key', entity_name: 'former' },
  },
  'POST /api/governance/virtual-keys/rotate': {
    async prepare(world) {
      const { body } = await world.gateway.api('POST', '/api/governance/virtual-keys', { name: 'second' });
      return [(body['virtual_key'] as VirtualKeyView).id, await an('virtual_key')(world)];
    },
    body: (_, ids) => ({ ids: ids.toReversed() }),
    leaves: ['second', 'former'].map((entity_name) => ({
      ...{ action: 'rotate', entity: 'virtual_key', entity_name, entity_id: expect.any(String) as string },
    })),
  },
  'PUT /api/governance/virtual-keys/{id}/budgets/{budget_id}/override': {
    prepare: aBudget,
    body: () => ({ amount: 1, mode: 'forever' }),
    leaves: { action: 'create', entity: 'budget_override', entity_name: 'former' },
  },
  'DELETE /api/governance/virtual-keys/{id}/budgets/{budget_id}/override': {
    prepare: anOverride,
    leaves: { action: 'delete', entity: 'budget_override', entity_name: 'former' },
  },
  'DELETE /api/mcp-logs': {
    async prepare(world) {
      await aClient(world);
      await world.gateway.execute('c1-echo', { text: 'hi' });
      return (await readLogs(world.gateway)).logs.slice(0, 1).map(({ id }) => id);
    },
    body: (_, ids) => ({ ids: [...ids, 'nothing'] }),
    leaves: { action: 'delete', entity: 'mcp_logs', entity_id: 'mcp_logs', after: { asked: 2, deleted: 1 } },
  },
  'DELETE /api/logs': {
    body: () => ({ ids: ['nothing'] }),
    leaves: { action: 'delete', entity: 'llm_logs', entity_id: 'llm_logs', after: { asked: 1, deleted: 0 } },
  },
};

/** Routes that are no GET, or demand the scope `write`, and change nothing. They take no body; an id is that of a server. */
export const CHANGES_NOTHING: readonly string[] = ['POST /api/session/ws-ticket', 'POST /api/mcp/client/{id}/diagnose'];

/** Routes by which somebody signs in, or that need it: sign-in.test.ts and accounts.test.ts look at what they leave. */
export const AFTER_SIGN_IN: readonly string[] = [
  'POST /api/mcp/client/{id}/complete-oauth',
  'POST /api/mcp/client/{id}/initiate-verification',
  'POST /api/mcp/client/{id}/reauthorize',
  'GET /api/oauth/per-user/flows/{id}/start',
  'PUT /api/oauth2/consent/flows/{id}',
  'POST /api/session/login',
  'POST /api/session/logout',
  'POST /api/session/setup',
  'PUT /api/session/password',
];
