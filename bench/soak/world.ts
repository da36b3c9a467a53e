import { fileURLToPath } from 'node:url';
import { createLegacyAskingServer, createModernAskingServer } from '../../test/kit/asking-server.ts';
import { accessGateway, type GatewayAccess } from '../../test/kit/gateway.ts';
import { serveLegacy } from '../../test/kit/legacy-host.ts';
import { startModelServer, type ModelServer } from '../../test/kit/model-server.ts';
import { serveModern } from '../../test/kit/modern-host.ts';
import { stdioServer } from '../../test/kit/stdio.ts';
import { startModernUpstream } from '../../test/kit/modern-upstream.ts';
import { startUpstream } from '../../test/kit/upstream.ts';
import { API_KEY, createAppDir, startAsbru } from '../asbru.ts';
import { startServer, type Running } from '../processes.ts';

/** Everything that a soak works with. */
export interface World {
  readonly gateway: GatewayAccess;
  readonly process: Running;
  /** The key of those who call: no operator, so that every rule is asked. */
  readonly caller: { readonly address: string; readonly apiKey: string };
  /** What servers are registered from and removed again. */
  readonly spare: { readonly http: string; readonly modern: string; readonly stdio: object };
  /** Forgets what the stand-ins have written down, which would fill this process. */
  tidy(): void;
}

const bench = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const ALL = { tools_to_execute: ['*'], tools_to_auto_execute: ['*'] };
const BUDGET = [{ max_limit: 1_000_000, reset_duration: '1d' }];

/** Starts the gateway with the probe in it, and all that it talks to. */
export async function openWorld(stack: AsyncDisposableStack, env: Record<string, string>): Promise<World> {
  const fast = stack.use(await startServer({ script: bench('targets/upstream.ts') }));
  const slow = stack.use(await startUpstream());
  const modern = stack.use(await startModernUpstream());
  const asksLegacy = stack.use(await serveLegacy(() => createLegacyAskingServer()));
  const asksModern = stack.use(await serveModern(() => createModernAskingServer()));
  const model = stack.use(await startModelServer());
  scriptModel(model);

  const appDir = stack.use(await createAppDir([]));
  Object.assign(process.env, env);
  const running = stack.use(await startAsbru(appDir, ['--expose-gc', '--import', bench('soak/probe-hook.ts')]));
  const gateway = accessGateway(running.origin, API_KEY);
  const http = (name: string, connection_string: string, more: object = {}) =>
    gateway.createClient({ name, connection_type: 'http', connection_string, ...ALL, ...more });
  await http('fast', `${fast.origin}/mcp/20`, { tool_pricing: { echo: 0.000_001 } });
  await http('slow', slow.url, { is_code_mode_client: true });
  await http('modern', modern.url);
  await http('legacyAsks', asksLegacy.url);
  await http('modernAsks', asksModern.url);
  await gateway.createClient({ name: 'child', connection_type: 'stdio', stdio_config: stdioServer(), ...ALL });
  await addProvider(gateway, model.openaiUrl);
  const tidy = () => {
    // Read-only for tests, which look at them; here nobody does.
    const records = [slow.requests, slow.host.calls, slow.host.cancelled, modern.methods, model.calls];
    for (const list of [...records, asksLegacy.methods, asksModern.methods]) (list as unknown[]).length = 0;
  };
  const apiKey = await createKey(gateway, 'caller');
  const spare = { http: slow.url, modern: modern.url, stdio: stdioServer() };
  return { gateway, process: running, caller: { address: running.origin, apiKey }, spare, tidy };
}

/** Makes a virtual key that may use everything, with a budget and a limit, and gives its value. */
export async function createKey(gateway: GatewayAccess, name: string): Promise<string> {
  const { status, body } = await gateway.api('POST', '/api/governance/virtual-keys', {
    name,
    budgets: BUDGET,
    rate_limit: { request_max_limit: 1_000_000_000, request_reset_duration: '1h' },
    allow_all_providers: true,
    mcp_configs: ['fast', 'slow', 'modern', 'legacyAsks', 'modernAsks', 'child'].map((mcp_client_name) => ({
      mcp_client_name,
      tools_to_execute: ['*'],
    })),
  });
  if (status !== 200) throw new Error(`POST virtual-keys: ${status} ${JSON.stringify(body)}`);
  return (body['virtual_key'] as { value: string }).value;
}

async function addProvider(gateway: GatewayAccess, base_url: string): Promise<void> {
  const { status, body } = await gateway.api('POST', '/api/providers', {
    provider: 'openai',
    keys: [{ name: 'key', value: 'sk-soak', models: ['*'], weight: 1 }],
    network_config: { base_url },
  });
  if (status !== 200) throw new Error(`POST providers: ${status} ${JSON.stringify(body)}`);
}

/** A model that wants a tool, and says something once it has had it. */
function scriptModel(model: ModelServer): void {
  model.script(({ body }) => {
    const messages = (body['messages'] ?? []) as { role: string }[];
    if (messages.some(({ role }) => role === 'tool')) return { text: 'That is what the tool said.' };
    return { calls: [{ name: 'modern-echo', args: { text: 'from the model' } }] };
  });
}
