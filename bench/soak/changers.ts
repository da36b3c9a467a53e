import type { ApiAnswer } from '../../test/kit/gateway.ts';
import { openSession, postMcp, postModern } from '../../test/kit/wire.ts';
import type { Tally } from './tally.ts';
import { createKey, type World } from './world.ts';

let next = 0;
const name = (kind: string) => `${kind}${(next += 1)}`;
const ALL = { tools_to_execute: ['*'], allow_on_all_virtual_keys: true };

/** Those who change the gateway meanwhile. Gives what to wait for. */
export function startChangers(world: World, tally: Tally): Promise<void>[] {
  return [
    tally.repeat('servers that come and go', () => turnServer(world, world.spare.http), 200),
    tally.repeat('modern servers that come and go', () => turnServer(world, world.spare.modern), 200),
    tally.repeat('stdio servers that come and go', () => turnChild(world), 1000),
    tally.repeat('servers that are refused', () => refuseServer(world), 200),
    tally.repeat('virtual keys that come and go', () => turnKey(world), 200),
    tally.repeat('reconnects', () => reconnect(world), 500),
  ];
}

/** Registers a server, calls it, changes it in each of the ways that cost something, and removes it. */
async function turnServer(world: World, url: string): Promise<void> {
  const { gateway } = world;
  const own = name('spare');
  const id = await gateway.createClient({ name: own, connection_type: 'http', connection_string: url, ...ALL });
  await call(world, `${own}-echo`);
  demand(await gateway.update(id, { tools_to_execute: ['echo'] }));
  demand(await gateway.update(id, { headers: { 'x-soak': own } }));
  await call(world, `${own}-echo`);
  demand(await gateway.update(id, { disabled: true }));
  demand(await gateway.update(id, { disabled: false }));
  demand(await gateway.api('DELETE', `/api/mcp/client/${id}`));
}

async function turnChild(world: World): Promise<void> {
  const { gateway, spare } = world;
  const own = name('child');
  const id = await gateway.createClient({ name: own, connection_type: 'stdio', stdio_config: spare.stdio, ...ALL });
  await call(world, `${own}-echo`);
  demand(await gateway.update(id, { disabled: true }));
  demand(await gateway.api('DELETE', `/api/mcp/client/${id}`));
}

async function refuseServer({ gateway }: World): Promise<void> {
  const connection_string = 'http://127.0.0.1:9/mcp';
  const body = { name: name('refused'), connection_type: 'http', connection_string, ...ALL };
  const { status } = await gateway.api('POST', '/api/mcp/client', body);
  if (status < 400) throw new Error(`a server that is not there: ${status}`);
}

/** A key is made, used, in a session too, rotated and removed while the session is open. */
async function turnKey({ gateway, caller }: World): Promise<void> {
  const own = name('key');
  const apiKey = await createKey(gateway, own);
  const endpoint = { address: caller.address, apiKey };
  const session = await openSession(endpoint);
  const { status } = await session.request('tools/list');
  if (status !== 200) throw new Error(`tools/list with a new key: ${status}`);
  const { body } = await gateway.api('GET', `/api/governance/virtual-keys?search=${own}`);
  const id = (body['virtual_keys'] as { id: string; name: string }[]).find((key) => key.name === own)?.id;
  demand(await gateway.api('POST', `/api/governance/virtual-keys/${id}/rotate`));
  demand(await gateway.api('DELETE', `/api/governance/virtual-keys/${id}`));
  const after = await postMcp(endpoint, { jsonrpc: '2.0', id: 1, method: 'ping' }, { headers: session.headers });
  if (after.status !== 401) throw new Error(`a removed key: ${after.status}`);
}

async function reconnect({ gateway }: World): Promise<void> {
  const clients = await gateway.listClients();
  const slow = clients.find(({ config }) => config.name === 'modern');
  demand(await gateway.api('POST', `/api/mcp/client/${slow?.config.client_id}/reconnect`));
}

async function call({ caller }: World, tool: string): Promise<void> {
  const { reply, text } = await postModern(caller, 'tools/call', { name: tool, arguments: { text: 'hi' } });
  if (reply.result === undefined) throw new Error(`${tool}: ${text}`);
}

function demand({ status, body }: ApiAnswer): void {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
}
