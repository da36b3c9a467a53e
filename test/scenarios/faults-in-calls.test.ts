import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { httpClient, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, updateKey, type TestKey } from '../kit/keys.ts';
import { registerClient } from '../kit/oauth-client.ts';
import { allowLinks, personalClient, requiredIn, submit } from '../kit/personal.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { modernRequest, postMcp } from '../kit/wire.ts';

// What decides about a call, each function and each method of it a step that can be made to throw.
const { faults, watchModule } = await vi.hoisted(async () => {
  const { createFaults, watchModule } = await import('../kit/faults.ts');
  const faults = createFaults();
  return { faults, watchModule: (module: object, name: string) => watchModule(faults, module, name) };
});
vi.mock('../../src/http/identify.ts', async (real) => watchModule(await real(), 'identify'));
vi.mock('../../src/http/identify-mcp.ts', async (real) => watchModule(await real(), 'identify-mcp'));
vi.mock('../../src/http/oauth2/access-tokens.ts', async (real) => watchModule(await real(), 'access-tokens'));
vi.mock('../../src/governance/policy.ts', async (real) => watchModule(await real(), 'policy'));
vi.mock('../../src/governance/access.ts', async (real) => watchModule(await real(), 'access'));
vi.mock('../../src/governance/spend.ts', async (real) => watchModule(await real(), 'spend'));
vi.mock('../../src/mcp/catalog.ts', async (real) => watchModule(await real(), 'catalog'));
vi.mock('../../src/mcp/credentials.ts', async (real) => watchModule(await real(), 'credentials'));
vi.mock('../../src/mcp/personal/access.ts', async (real) => watchModule(await real(), 'personal-access'));
vi.mock('../../src/mcp/personal/identity.ts', async (real) => watchModule(await real(), 'identity'));
vi.mock('../../src/mcp/personal/credential-index.ts', async (real) => watchModule(await real(), 'credential-index'));
vi.mock('../../src/mcp/personal/header-kind.ts', async (real) => watchModule(await real(), 'header-kind'));

const cleanup = new AsyncDisposableStack();
let gateway: GatewayAccess;
let shared: Upstream;
let sharedId: string;
let personal: Upstream;
let key: TestKey;
let token: string;

beforeAll(async () => {
  shared = cleanup.use(await startUpstream());
  personal = cleanup.use(await startUpstream());
  gateway = cleanup.use(await startGateway());
  await allowLinks(gateway, { mcp_server_auth_mode: 'both' });
  sharedId = await gateway.createClient(httpClient(shared.url, { allow_on_all_virtual_keys: true }));
  const user_headers = { 'x-user-token': 'of the admin' };
  await gateway.createClient(personalClient(personal.url, { name: 'own', user_headers }));
  key = await createKey(gateway, 'k', { budget: { max_limit: 100, reset_duration: '1h' } });
  const required = requiredIn(
    await gateway.execute('own-echo', { text: 'x' }, { 'x-bf-vk': key.value, authorization: '' }),
  );
  expect((await submit(gateway, required, { 'x-user-token': 'of the key' })).status).toBe(200);
  token = (await (await registerClient(gateway.address)).signIn(key.value)).accessToken;
});
afterAll(() => cleanup.disposeAsync());

/** What came of a request: whether its caller was served. */
interface Outcome {
  readonly isServed: boolean;
  readonly text: string;
}

async function execute(tool: string): Promise<Outcome> {
  const { status, body } = await gateway.execute(tool, { text: 'hi' }, { authorization: `Bearer ${key.value}` });
  return { isServed: status === 200, text: JSON.stringify(body) };
}

async function onMcp(credential: string, method: string, params: Record<string, unknown>): Promise<Outcome> {
  const { message, headers } = modernRequest(method, params);
  const { reply, text } = await postMcp({ ...gateway, apiKey: credential }, message, { headers });
  const isServed = reply.result !== undefined && reply.result['isError'] !== true;
  return { isServed: method === 'tools/list' ? text.includes('c1-echo') : isServed, text };
}

const call = (name: string) => ({ name, arguments: { text: 'hi' } });

/** Rights are compiled when they change: so that it happens in the next request. */
async function forgetCompiled(round: number): Promise<void> {
  await updateKey(gateway, key, { description: `attempt ${round}` });
  const { status } = await gateway.update(sharedId, { tool_pricing: { echo: round / 1_000_000 } });
  expect(status).toBe(200);
}

test.each<[string, () => Promise<Outcome>, string[]]>([
  [
    'a call through /v1 with a virtual key',
    () => execute('c1-echo'),
    ['identify.identifyInference', 'policy.findCaller', 'catalog.view', 'access.canUseTool', 'spend.reserve'],
  ],
  [
    'a call through /mcp with a virtual key',
    () => onMcp(key.value, 'tools/call', call('c1-echo')),
    ['identify.identifyInference', 'policy.findCaller', 'catalog.view', 'access.canUseTool', 'spend.reserve'],
  ],
  [
    'a call through /mcp with the token of a client that signed in',
    () => onMcp(token, 'tools/call', call('c1-echo')),
    ['access-tokens.verify', 'catalog.view', 'access.canUseTool', 'spend.reserve'],
  ],
  [
    'a call with a credential of the caller',
    () => execute('own-echo'),
    [
      'identity.identityOf',
      'identity.labelOf',
      'personal-access.checkAccess',
      'header-kind.find',
      'credential-index.of',
    ],
  ],
  ['a list of tools', () => onMcp(key.value, 'tools/list', {}), ['catalog.view', 'access.canUseTool']],
])('an exception in any step of %s is a denial', async (_name, request, expected) => {
  const seen = new Set<string>();
  for (let step = 1; ; step += 1) {
    await forgetCompiled(step);
    const before = shared.countCalls() + personal.countCalls();
    faults.failAt(step);
    const { isServed, text } = await request();
    const { steps } = faults;
    faults.failAt(0);
    if (steps.length < step) {
      expect(isServed, text).toBe(true);
      break;
    }
    const failed = steps[step - 1] ?? '';
    seen.add(failed);
    expect(isServed, `${failed}: ${text}`).toBe(false);
    expect(shared.countCalls() + personal.countCalls(), failed).toBe(before);
    // It is a bug, about which the caller learns nothing.
    expect(text).not.toContain('injected');
  }
  for (const step of expected) expect([...seen]).toContain(step);
});
