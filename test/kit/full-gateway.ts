import { join } from 'node:path';
import { openStores, type Stores } from '../../src/config/open-stores.ts';
import { parseConfig } from '../../src/config/file.ts';
import { Secret } from '../../src/lib/secret.ts';
import { configFromInput } from '../../src/mcp/oauth/config-input.ts';
import { newToken } from '../../src/mcp/oauth/sign-in-parts.ts';
import { openLedgerStore } from '../../src/store/ledger/open-ledger-store.ts';
import { createOAuthModelStore } from '../../src/store/oauth-models.ts';
import { createOAuthSessionStore } from '../../src/store/oauth-sessions.ts';
import { PASSWORD } from './browser-session.ts';
import { callEnd, callStart, llmEnd, llmStart } from './call.ts';
import { startGateway, type GatewayAccess } from './gateway.ts';

/** The admin key and the passphrase of every gateway that is filled here. */
export const FULL = { apiKey: 'bfst-of-a-gateway-that-was-released', passphrase: 'a passphrase for fixtures only' };

/** Times in a fixture: some day, and a day that never comes. */
const THEN = Date.UTC(2026, 10, 22);
const NEVER_OVER = Date.UTC(2100, 0, 1);
const times = { created_at: THEN, expires_at: NEVER_OVER };

const WIKI = {
  ...{ client_id: 'wiki-id', name: 'wiki', connection_type: 'http', connection_string: 'https://wiki.example/mcp' },
  ...{ headers: { Authorization: 'Bearer canary-header' }, tools_to_execute: ['search', 'write'], disabled: true },
  ...{ tools_to_approve: ['write'], tool_pricing: { search: 0.5 }, allow_on_all_virtual_keys: true },
};
const FILES = {
  ...{ client_id: 'files-id', name: 'files', connection_type: 'stdio', tools_to_execute: ['*'], disabled: true },
  stdio_config: { command: 'files', args: ['--all'], envs: ['HOME', 'TOKEN=canary-variable'] },
};

/** Makes a gateway in a folder with rows in every table, and secrets in every place for them. */
export async function fillGateway(appDir: string): Promise<void> {
  const config = {
    mcp: { client_configs: [WIKI, FILES] },
    client: { log_retention_days: 36_500, mcp_agent_depth: 7 },
  };
  const gateway = await startGateway({ appDir, config, ...FULL });
  await fillOverTheApi(gateway);
  await gateway.close();
  const stores = await openStores({
    file: parseConfig('{}').file,
    appDir,
    passphrase: FULL.passphrase,
    onError: () => {},
  });
  await fillCredentials(stores);
  await fillWaiting(stores);
  await stores.database.close();
  await fillLedger(join(appDir, 'logs.db'));
}

async function fillOverTheApi(gateway: GatewayAccess): Promise<void> {
  const budgets = [{ max_limit: 5, reset_duration: '1Y' }];
  const rate_limit = { request_max_limit: 60, request_reset_duration: '1m' };
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await gateway.api('POST', path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const { customer } = await post('/api/governance/customers', { name: 'Acme', budgets });
  const { team } = await post('/api/governance/teams', {
    ...{ name: 'Platform', customer_id: (customer as { id: string }).id, budgets, rate_limit },
  });
  await post('/api/providers', { name: 'openai', keys: [{ name: 'main', value: 'sk-canary-provider' }] });
  await post('/api/governance/virtual-keys', {
    ...{ name: 'ci', team_id: (team as { id: string }).id, budgets, rate_limit, metadata: { cost_center: 'ü-7' } },
    mcp_configs: [{ mcp_client_name: 'wiki', tools_to_execute: ['search'] }],
    provider_configs: [{ provider: 'openai', weight: 0.5, allowed_models: ['regex:gpt-5.*'], key_ids: ['main'] }],
  });
  await post('/api/governance/pricing-overrides', { name: 'own', pattern: 'llama', patch: { input: 1, output: 2 } });
  await post('/api/session/setup', { username: 'ann', password: PASSWORD });
  await post('/api/session/login', { username: 'ann', password: PASSWORD });
  // Gone again: its number must not be given to another key.
  await post('/api/api-keys', { name: 'kept' });
  const { api_key } = await post('/api/api-keys', { name: 'removed' });
  await gateway.api('DELETE', `/api/api-keys/${(api_key as { id: number }).id}`);
}

/** What sign-ins leave behind, which would need strangers to make. */
async function fillCredentials({ database, encryption, oauth, headerCredentials }: Stores): Promise<void> {
  const config_id = 'config-1';
  await oauth.configs.insert({
    ...configFromInput({ client_id: 'asbru', client_secret: 'canary-client-secret' }),
    ...{ id: config_id, mcp_client_id: 'wiki-id', pending_client: undefined, status: 'authorized' },
    ...{ created_at: THEN, updated_at: THEN },
  });
  const holder = { mode: 'vk', identity: 'vk-1', label: '' } as const;
  const registration = {
    ...{ client_id: 'registered', client_secret: Secret.literal('canary-registered') },
    token_endpoint_auth_method: 'client_secret_basic',
  } as const;
  await oauth.flows.insert(
    {
      ...{ id: 'flow-1', config_id, client_id: 'wiki-id', verifier: 'canary-verifier', issuer: 'https://as.example' },
      ...{ redirect_uri: 'https://gateway.example/api/oauth/callback', purpose: 'admin', mode: 'shared', identity: '' },
      ...{ label: '', bind_hash: undefined, scopes: ['read'], resource: undefined, status: 'done' },
      ...{ status_reason: undefined, registration, ...times },
    },
    'state-1',
  );
  const granted = { access: Secret.literal('canary-access'), refresh: Secret.literal('canary-refresh') };
  await oauth.tokens.save(
    newToken(
      { config_id, client_id: 'wiki-id', ...holder },
      { ...granted, expires_at: NEVER_OVER, scopes: ['read'] },
      { issuer: 'https://as.example', registration, resource: undefined, scopes: ['read'] },
    ),
  );
  const named = { ...holder, identity_name: 'ci' };
  await headerCredentials.save({ id: 'cred-1', client_id: 'wiki-id', ...named, values: { 'x-key': 'canary-entered' } });
  await headerCredentials.flows.insert({
    ...{ id: 'form-1', client_id: 'wiki-id', ...named, auth_kind: 'headers', status: 'pending', ...times },
  });
  await createOAuthModelStore(database.db, encryption).save({
    ...{ kind: 'Client', id: 'client-1', payload: { client_id: 'canary-model' }, expiresAt: NEVER_OVER },
  });
  await createOAuthSessionStore(database.db).insert({
    ...{ id: 'session-1', client_id: 'client-1', client_name: 'Claude', principal: 'virtual-key:vk-1' },
    ...{ scopes: ['mcp'], last_used_at: THEN, ...times },
  });
}

/** What waits for a person or a model. */
async function fillWaiting({ approvals, codeRuns, keptResults, responseEnds }: Stores): Promise<void> {
  await approvals.insert({
    ...{ id: 'approval-1', principal: 'virtual-key:vk-1', principal_name: 'ci', binding: 'b', client_id: 'wiki-id' },
    ...{ client_name: 'wiki', tool: 'write', arguments_digest: 'd', arguments: '{"text":"canary"}', source: 'mcp' },
    ...{ is_content_kept: true, app: 'Claude', ...times },
  });
  await codeRuns.insert({ id: 'run-1', principal: 'virtual-key:vk-1', state: 'canary-run', expires_at: NEVER_OVER });
  await keptResults.insert({
    ...{ id: 'result-1', principal: 'virtual-key:vk-1', tool: 'wiki-search', text: 'canary-result', whole: undefined },
    ...times,
  });
  const end = { responseId: 'resp_1', principal: 'virtual-key:vk-1', content: 'canary-end', expires_at: NEVER_OVER };
  await responseEnds.save(end, THEN);
}

async function fillLedger(path: string): Promise<void> {
  const store = await openLedgerStore({ type: 'sqlite', path });
  const content = { arguments: '{"query":"a\\u0000b ü 💡"}' };
  const charges = [{ counter_id: 'budget:of-nobody', window_start: 0, amount: 250_000_000 }];
  const start = { timestamp: THEN, ...content, client_id: 'wiki-id', server_label: 'wiki' };
  await store.write({
    ...{ node: 'node-1', seq: 1, started: [], ended: [], charges },
    completed: [
      { start: callStart({ ...start, id: 'call-a' }), end: callEnd({ cost: 500_000_000, result: '{"content":[]}' }) },
      { start: callStart({ ...start, id: 'call-b' }), end: callEnd({ status: 'error' }) },
    ],
    llm: {
      ...{ started: [], ended: [] },
      completed: [{ start: llmStart({ id: 'request-a', timestamp: THEN, input: '"hi"' }), end: llmEnd({ cost: 7 }) }],
    },
  });
  await store.close();
}
