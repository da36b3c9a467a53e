/** `node bench/keys.ts [keys]`: what many virtual keys cost. Through the built gateway, all calls over HTTP. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { read, send } from './accounts.ts';
import { createAppDir, demandBuild, startAsbru, waitUntilConnected } from './asbru.ts';
import { CLIENT_HEADERS, describe, messageOf, post } from './exchange.ts';
import { readMemory } from './proc.ts';
import { startServer, type Running } from './processes.ts';
import { median } from './statistics.ts';
import { asHttpClient } from './targets.ts';

const KEYS = Number(process.argv[2] ?? 10_000);
const TOOLS = 500;
const GRANTS_AT_ONCE = 1_000;
const LISTED = 1_000;
const ROUNDS = 5;
const BATCH = 50;
const REST_MS = 3_000;

demandBuild();
await using upstream = await startServer({ script: fileURLToPath(new URL('targets/upstream.ts', import.meta.url)) });
await using appDir = await createAppDir([asHttpClient('bench', `${upstream.origin}/mcp/${TOOLS}`)]);
const empty = await withGateway(measureRest);
const keys = await withGateway(async ({ origin }) => {
  const startedAt = performance.now();
  const made = await createKeys(origin);
  report('POST of a key with a grant, mean', (performance.now() - startedAt) / KEYS, 'ms');
  return made;
});
// After a restart, so that garbage of making them does not count.
const full = await withGateway(measureRest);
report(`memory per key, of ${KEYS}`, ((full - empty) * 1024) / KEYS, 'KB');
await withGateway(async ({ origin }) => {
  const pool = new Pool(origin, { connections: 1 });
  await measureLists(pool);
  await measureGrants(origin, pool);
  await measureReads(origin);
  await pool.close();
});

async function withGateway<T>(work: (gateway: Running) => Promise<T>): Promise<T> {
  await using gateway = await startAsbru(appDir);
  await waitUntilConnected(gateway.origin, 1);
  return await work(gateway);
}

async function measureRest({ pid }: Running): Promise<number> {
  await sleep(REST_MS);
  return readMemory(pid).rss;
}

interface Key {
  id: string;
  value: string;
}

async function createKeys(origin: string): Promise<Key[]> {
  const made: Key[] = [];
  for (let from = 0; from < KEYS; from += BATCH) {
    const names = Array.from({ length: Math.min(BATCH, KEYS - from) }, (_, index) => `key ${from + index}`);
    made.push(...(await Promise.all(names.map((name) => createKey(origin, name)))));
  }
  return made;
}

async function createKey(origin: string, name: string): Promise<Key> {
  const body = { name, mcp_configs: [{ mcp_client_name: 'bench', tools_to_execute: ['*'] }] };
  const made = read(await send(origin, 'POST', '/api/governance/virtual-keys', body)) as { virtual_key: Key };
  return { id: made.virtual_key.id, value: made.virtual_key.value };
}

/** Keys with equal grants share what they see, so that only the first of them pays. */
async function measureLists(pool: Pool): Promise<void> {
  const times: number[] = [];
  const texts = new Set<string>();
  for (const { value } of keys.slice(0, LISTED)) {
    const began = performance.now();
    texts.add(await list(pool, value));
    times.push(performance.now() - began);
  }
  const [first = Number.NaN, ...later] = times;
  report(`tools/list of ${TOOLS} tools, the first key`, first, 'ms');
  report(`the same, the next ${later.length} keys, median`, median(later), 'ms');
  if (texts.size !== 1) throw new Error(`keys with equal grants saw ${texts.size} different lists`);
}

async function list(pool: Pool, key: string): Promise<string> {
  const headers = { ...CLIENT_HEADERS, authorization: `Bearer ${key}` };
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
  const reply = await post({ pool, path: '/mcp', headers }, JSON.stringify(message));
  if (reply.status !== 200 || !messageOf(reply).includes('"tools":[')) throw new Error(describe(reply));
  return messageOf(reply);
}

async function measureGrants(origin: string, pool: Pool): Promise<void> {
  const { clients } = read(await send(origin, 'GET', '/api/mcp/clients')) as {
    clients: { config: { client_id: string } }[];
  };
  const path = `/api/mcp/client/${clients[0]?.config.client_id}`;
  const [puts, lists]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const tools_to_execute = round % 2 === 0 ? ['*'] : [];
    const vk_configs = keys
      .slice(0, GRANTS_AT_ONCE)
      .map(({ id }, index) => ({ virtual_key_id: id, tools_to_execute: index === 0 ? ['*'] : tools_to_execute }));
    puts.push(await timed(async () => read(await send(origin, 'PUT', path, { vk_configs }))));
    lists.push(await timed(() => list(pool, keys[0]?.value ?? '')));
  }
  report(`PUT of a client with ${GRANTS_AT_ONCE} vk_configs, median`, median(puts), 'ms', 200);
  report('the first tools/list after it, median', median(lists), 'ms');
}

async function measureReads(origin: string): Promise<void> {
  const whole = async (query: string): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      times.push(await timed(async () => read(await send(origin, 'GET', `/api/governance/virtual-keys${query}`))));
    }
    return median(times);
  };
  report(`GET of all ${KEYS} keys, median`, await whole(''), 'ms');
  report('GET of a page of 100, median', await whole(`?limit=100&offset=${KEYS >> 1}`), 'ms');
  report('GET of a page of 100 by search, median', await whole('?limit=100&search=99'), 'ms');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

// eslint-disable-next-line max-params -- one line of a table
function report(what: string, value: number, unit: string, most = Number.NaN): void {
  const limit = Number.isNaN(most) ? '' : `   ≤ ${most}, ${value <= most ? 'met' : 'MISSED'}`;
  console.log(`${what.padEnd(60)}${value.toFixed(2).padStart(10)} ${unit}${limit}`);
}
