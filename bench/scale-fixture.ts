import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStores, type Stores } from '../src/config/open-stores.ts';
import { McpClientCreate } from '../src/contract/mcp-client.ts';
import { newKey } from '../src/governance/entity-rules.ts';
import { fromCreate } from '../src/mcp/client-config.ts';
import type { GovernanceStores } from '../src/store/governance-stores.ts';
import { listTools } from './targets/tools.ts';

/** How many of everything. */
export interface Size {
  readonly servers: number;
  readonly keys: number;
}

/** Where the servers are. */
export interface Origins {
  /** Of all servers but the first. */
  readonly many: string;
  /** Of the first server alone, so that its calls wait for nobody but the gateway. */
  readonly first: string;
}

/** A virtual key with its value. */
export interface Key {
  readonly id: string;
  readonly value: string;
}

/** A database of that size, for a gateway to be started on. Removed when its `using` scope ends. */
export interface Fixture extends AsyncDisposable {
  readonly dir: string;
  readonly config: string;
  readonly size: Size;
  /** By number of the server. */
  readonly clientIds: readonly string[];
  readonly keys: readonly Key[];
  /** Sees READER_TOOLS tools of READER_SERVERS servers, the first one among them. */
  readonly reader: Key;
}

export const TOOLS_EACH = 50;
export const READER_SERVERS = 10;
export const READER_TOOLS = 200;
/** Servers that each key may use. */
const GRANTS_EACH = 5;
/** Neighbouring keys have other servers, and so no two of the first thousand see the same. */
const STRIDE = 211;

const budget = { max_limit: 1_000, reset_duration: '1d' };

/** The name under which callers know a tool of a server. */
export function publicName(server: number, tool: string): string {
  return `${nameOf(server)}-${tool}`;
}

/** Writes servers, keys and grants straight through the stores: through the API it would take as long as the measurement. */
export async function createFixture(size: Size, origins: Origins, postgresUrl?: string): Promise<Fixture> {
  const dir = await mkdtemp(path.join(tmpdir(), 'asbru-scale-'));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const file =
      postgresUrl === undefined ? {} : { config_store: { type: 'postgres' as const, config: { url: postgresUrl } } };
    const config = path.join(dir, 'config.json');
    await writeFile(config, JSON.stringify(file));
    const stores = await openStores({ file, appDir: dir, passphrase: undefined, onError: console.error });
    try {
      return { dir, config, size, ...(await fill(stores, size, origins)), [Symbol.asyncDispose]: remove };
    } finally {
      await stores.database.close();
    }
  } catch (error) {
    await remove();
    throw error;
  }
}

function fill({ database, governance }: Stores, { servers, keys: count }: Size, origins: Origins) {
  return database.transaction(async (tx) => {
    const at = governance.with(tx);
    const clientIds: string[] = [];
    for (let server = 0; server < servers; server += 1) clientIds.push(await insertServer(at, server, origins));
    const keys: Key[] = [];
    for (let key = 0; key < count; key += 1) {
      const grants = Array.from({ length: Math.min(GRANTS_EACH, servers) }, (_, grant) => ({
        client_id: clientIds[(key + grant * STRIDE) % servers] ?? '',
        tools_to_execute: key % 2 === 0 ? ['*'] : toolNames(10),
      }));
      keys.push(await insertKey(at, `key ${key}`, grants));
    }
    const own = toolNames(READER_TOOLS / READER_SERVERS);
    const readable = Array.from({ length: READER_SERVERS }, (_, at) => Math.floor((at * servers) / READER_SERVERS));
    const granted = readable.map((server) => ({ client_id: clientIds[server] ?? '', tools_to_execute: own }));
    return { clientIds, keys, reader: await insertKey(at, 'reader', granted) };
  });
}

async function insertServer({ clients }: GovernanceStores, server: number, origins: Origins): Promise<string> {
  const origin = server === 0 ? origins.first : origins.many;
  const body = McpClientCreate.parse({
    name: nameOf(server),
    connection_type: 'http',
    connection_string: `${origin}/mcp/${TOOLS_EACH}/${server}`,
    tools_to_execute: ['*'],
    tool_pricing: { echo: 0.000_001 },
  });
  // One after the other, as somebody would have registered them: that is their order.
  const client = fromCreate(body, Date.now() + server);
  await clients.insert(client);
  return client.client_id;
}

async function insertKey(
  at: GovernanceStores,
  name: string,
  grants: readonly { client_id: string; tools_to_execute: string[] }[],
): Promise<Key> {
  const context = { now: Date.now(), hasTeam: () => false, hasCustomer: () => false, providerKeys: [] };
  const key = newKey({ name, budgets: [budget] }, context);
  await at.keys.insert(key);
  const different = new Map(grants.map((grant) => [grant.client_id, grant]));
  await at.grants.replaceOfKey(key.id, [...different.values()]);
  return { id: key.id, value: key.value.resolve() };
}

function nameOf(server: number): string {
  return `server_${String(server).padStart(4, '0')}`;
}

function toolNames(count: number): string[] {
  return listTools(count).map((tool) => (tool as { name: string }).name);
}
