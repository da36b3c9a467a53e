import { randomBytes } from 'node:crypto';
import { DEFAULT_SETTINGS } from '../../src/contract/client-settings.ts';
import { VirtualKeyView } from '../../src/contract/governance.ts';
import { createDirectory, type Directory } from '../../src/governance/directory.ts';
import { createProviderEditor } from '../../src/governance/provider-editor.ts';
import type { Usage } from '../../src/governance/counters.ts';
import { createApi } from '../../src/http/api.ts';
import { governanceRoutes } from '../../src/http/api/governance.ts';
import { providerRoutes } from '../../src/http/api/providers.ts';
import { createEncryption } from '../../src/lib/encryption.ts';
import { windowAt } from '../../src/lib/window.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { createAuditStore, type AuditStore } from '../../src/store/audit.ts';
import { createChanges, type Changes } from '../../src/store/changes.ts';
import { createGovernanceStores, type GovernanceStores } from '../../src/store/governance-stores.ts';
import { exampleClient } from './clients.ts';
import { openTestDatabase, type DATABASES, type TestDatabase } from './databases.ts';

type JsonObject = Record<string, unknown>;

/** The management API of governance over a real database, with two registered servers: wiki and mail. */
export interface GovernanceScene extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly stores: GovernanceStores;
  readonly audit: AuditStore;
  readonly directory: Directory;
  /** What was announced, such as "virtual_keys 3f…". */
  readonly published: string[];
  /** What is used, by counter; fill it in. */
  readonly usage: Map<string, Usage>;
  readonly settings: { vk_rotation_cooldown: number; delete_expired_virtual_keys: boolean };
  readonly changes: Changes;
  send(method: string, path: string, body?: unknown): Promise<{ status: number; body: JsonObject }>;
  /** The same with the whole path. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: JsonObject }>;
  /** `GET /virtual-keys/quota` with this key. */
  quota(value: string): Promise<{ status: number; body: JsonObject }>;
  /** A write that must succeed; gives what it wrote. */
  write(method: string, path: string, body: unknown): Promise<JsonObject>;
}

/** A body with something of everything. */
export const FULL_KEY = {
  name: 'docs-reader',
  description: 'reads docs',
  provider_configs: [
    {
      provider: 'openai',
      weight: 1,
      allowed_models: ['*'],
      key_ids: ['*'],
      budgets: [{ max_limit: 2, reset_duration: '1d' }],
      rate_limit: { token_max_limit: 1000, token_reset_duration: '1h' },
    },
  ],
  mcp_configs: [{ mcp_client_name: 'wiki', tools_to_execute: ['read_page'] }],
  budgets: [
    { max_limit: 50, reset_duration: '1M', calendar_aligned: true },
    { max_limit: 5, reset_duration: '1d' },
  ],
  rate_limit: { request_max_limit: 60, request_reset_duration: '1m' },
  metadata: { cost_centre: 7 },
};

export const DAY_MS = 86_400_000;

export async function openGovernance(type: (typeof DATABASES)[number] = 'sqlite'): Promise<GovernanceScene> {
  const database = await openTestDatabase(type);
  const encryption = createEncryption(randomBytes(32));
  const stores = createGovernanceStores(database.db, encryption);
  for (const name of ['wiki', 'mail']) await stores.clients.insert(exampleClient({ client_id: `${name}-id`, name }));
  const changes = await createChanges(database, () => {});
  const published: string[] = [];
  changes.subscribe((table, id) => void published.push(`${table} ${id}`));
  const usage = new Map<string, Usage>();
  const audit = createAuditStore(database.db, encryption.deriveKey('audit'));
  const settings = { vk_rotation_cooldown: 0, delete_expired_virtual_keys: false };
  const directory = createDirectory({
    database,
    stores,
    audit,
    changes,
    settings: () => ({ ...DEFAULT_SETTINGS, ...settings }),
    usage: (spec, counterId) => {
      const { start, end } = windowAt(spec, Date.now());
      return usage.get(counterId) ?? { used: 0, window_start: start, window_end: end };
    },
    resetUsage: (ids) => ids.forEach((id) => usage.delete(id)),
    windowEnd: (_budget, at) => at + DAY_MS,
    describeClient: (client_id) => ({ client_id, name: client_id.replace('-id', ''), headers: { A: '********' } }),
  });
  const app = createApi({
    routes: [
      ...governanceRoutes({
        directory,
        async identifyKey(headers) {
          const key = (await stores.keys.list()).find(({ value }) => value.resolve() === headers['x-bf-vk']);
          if (key === undefined) throw new GatewayError('virtual_key_not_found', 'the virtual key is unknown');
          return key.id;
        },
      }),
      ...providerRoutes(createProviderEditor({ database, stores, audit, changes })),
    ],
    identify: () => ({ kind: 'operator', principal: 'api-key:1', name: 'admin', scopes: ['read', 'write'] }),
    version: '1.2.3',
    logger: createLogger({ level: 'silent', style: 'json' }),
  });
  const ask: GovernanceScene['ask'] = async (method, path, body) => {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await app.request(path, { method, ...text });
    return { status: response.status, body: (await response.json()) as JsonObject };
  };
  const send: GovernanceScene['send'] = (method, path, body) => ask(method, `/api/governance${path}`, body);
  return {
    ...{ database, stores, audit, directory, changes, published, usage, settings, send, ask },
    async quota(value) {
      const response = await app.request('/api/governance/virtual-keys/quota', { headers: { 'x-bf-vk': value } });
      return { status: response.status, body: (await response.json()) as JsonObject };
    },
    async write(method, path, body) {
      const answer = await send(method, path, body);
      if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      const { message: _message, warnings: _warnings, ...rest } = answer.body;
      return Object.values(rest)[0] as JsonObject;
    },
    async [Symbol.asyncDispose]() {
      await changes.close();
      await database.close();
    },
  };
}

export const KEYS = '/virtual-keys';

/** Requests about virtual keys, in the scene that is open when they are made. */
export function keyRequests(scene: () => GovernanceScene) {
  return {
    createKey: async (body: object) => VirtualKeyView.parse(await scene().write('POST', KEYS, body)),
    updateKey: async (id: string, body: object) =>
      VirtualKeyView.parse(await scene().write('PUT', `${KEYS}/${id}`, body)),
    /** The status and the field that a refused write names. */
    async refusal(method: string, path: string, body?: unknown) {
      const { status, body: answer } = await scene().send(method, path, body);
      const { field, fields } = answer.extra_fields as { field?: string; fields?: { path: string }[] };
      return [status, field ?? fields?.[0]?.path];
    },
  };
}
