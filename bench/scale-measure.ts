import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { read, send } from './accounts.ts';
import { API_KEY, startAsbru } from './asbru.ts';
import { readCpuMicros, readMemory } from './proc.ts';
import type { Running } from './processes.ts';
import { countTools, createCaller, type McpCaller } from './scale-client.ts';
import { publicName, READER_TOOLS, type Fixture } from './scale-fixture.ts';
import { median, quantile } from './statistics.ts';

/** What was measured at one size, by name. Milliseconds, or MB of memory. */
export type Figures = Map<string, number>;

const STARTS = 3;
const LISTS = 1_000;
const COLD_KEYS = 300;
const CALLS = 500;
const SEARCHES = 200;
const PUTS = 40;
const GRANT_PUTS = 20;
const PAGES = 30;
const SETTLE_MS = 3_000;
const POLL_MS = 200;
const CONNECT_LIMIT_MS = 600_000;

/** Starts the gateway on a fixture and measures it. The first start, which gets to know the servers, is measured by itself. */
export async function measureSize(fixture: Fixture, nodeArgs: string[]): Promise<Figures> {
  const figures: Figures = new Map();
  {
    await using gateway = await startAsbru(fixture);
    figures.set('first start, until it listens', gateway.startMs);
    figures.set('first start, until all are connected', await untilConnected(gateway, fixture));
  }
  const starts: Running[] = [];
  const spent: number[] = [];
  const start = async (args: string[]): Promise<Running> => {
    const gateway = await startAsbru(fixture, args);
    starts.push(gateway);
    spent.push(readCpuMicros(gateway.pid) / 1_000);
    return gateway;
  };
  for (let before = 1; before < STARTS; before += 1) await (await start([]))[Symbol.asyncDispose]();
  await using gateway = await start(nodeArgs);
  figures.set('start, until it listens', median(starts.map(({ startMs }) => startMs)));
  figures.set('start, CPU time until it listens', median(spent));
  const pool = new Pool(gateway.origin, { connections: 1, headersTimeout: 0, bodyTimeout: 0 });
  try {
    await measureStorm(gateway, fixture, createCaller(pool, fixture.reader.value), figures);
    await sleep(SETTLE_MS);
    figures.set('RSS at rest, MB', readMemory(gateway.pid).rss);
    await measureCallers(gateway, pool, fixture, figures);
    await measureReads(gateway, figures);
    await measureWrites(gateway, fixture, createCaller(pool, fixture.reader.value), figures);
    figures.set('RSS after all that, MB', readMemory(gateway.pid).rss);
    figures.set('CPU at rest, % of a core', await measureRest(gateway));
  } finally {
    await pool.close();
  }
  return figures;
}

/** What a caller of a server that is up already sees while all the others connect. */
async function measureStorm(gateway: Running, fixture: Fixture, reader: McpCaller, figures: Figures): Promise<void> {
  const startedAt = performance.now();
  const times: number[] = [];
  const over = new AbortController();
  const connecting = untilConnected(gateway, fixture).finally(() => over.abort());
  // The first call waits for its own server.
  await reader.call(publicName(0, 'echo'), { text: 'first' });
  figures.set('first call after the start', performance.now() - startedAt);
  let failures = 0;
  while (!over.signal.aborted) {
    times.push(await timed(() => reader.call(publicName(0, 'echo'), { text: 'storm' }).catch(() => (failures += 1))));
    await sleep(2);
  }
  figures.set('start, until all are connected', await connecting);
  figures.set('start, CPU time until all are connected', readCpuMicros(gateway.pid) / 1_000);
  addQuantiles(figures, 'tools/call while the others connect', times);
  figures.set('tools/call while the others connect, failed', failures);
}

async function measureCallers(
  { pid }: Running,
  pool: Pool,
  { reader, keys }: Fixture,
  figures: Figures,
): Promise<void> {
  const caller = createCaller(pool, reader.value);
  const count = countTools(await caller.list());
  if (count !== READER_TOOLS) throw new Error(`the reader sees ${count} tools instead of ${READER_TOOLS}`);
  // A process that has just started compiles its code beside its first answers.
  await repeat(LISTS, () => caller.list());
  const before = readCpuMicros(pid);
  addQuantiles(figures, `tools/list of ${READER_TOOLS} tools`, await repeat(LISTS, () => caller.list()));
  figures.set(`tools/list of ${READER_TOOLS} tools, CPU time`, (readCpuMicros(pid) - before) / LISTS / 1_000);
  addQuantiles(
    figures,
    'tools/list of a key for the first time',
    await repeat(COLD_KEYS, (at) => createCaller(pool, keys[at]?.value ?? '').list()),
  );
  const echo = publicName(0, 'echo');
  addQuantiles(figures, 'tools/call', await repeat(CALLS, (at) => caller.call(echo, { text: `call ${at}` })));
  const queries = ['create a review', 'list the issues', 'merge a pull request', 'labl'];
  const query = (at: number) => queries[at % queries.length] ?? '';
  figures.set('searchTools for the first time', await timed(() => caller.search('archive an issue')));
  addQuantiles(figures, 'searchTools', await repeat(SEARCHES, (at) => caller.search(query(at))));
  const operator = createCaller(pool, API_KEY);
  figures.set('searchTools of all tools, for the first time', await timed(() => operator.search('archive an issue')));
  addQuantiles(figures, 'searchTools of all tools', await repeat(SEARCHES, (at) => operator.search(query(at))));
  figures.set('tools/list of all tools, first', await timed(() => operator.list()));
}

async function measureReads({ origin }: Running, figures: Figures): Promise<void> {
  const get = (path: string) => async () => read(await send(origin, 'GET', path));
  const pages: [string, string, number][] = [
    ['GET a page of 25 servers', '/api/mcp/clients?limit=25&offset=0', PAGES],
    ['GET a page of 100 keys', '/api/governance/virtual-keys?limit=100&offset=0', PAGES],
    ['GET all keys', '/api/governance/virtual-keys', 3],
  ];
  for (const [name, path, count] of pages) addQuantiles(figures, name, await repeat(count, get(path)));
}

async function measureWrites(
  { origin, pid }: Running,
  { clientIds, keys, size }: Fixture,
  reader: McpCaller,
  figures: Figures,
): Promise<void> {
  const put = async (server: number, body: object): Promise<unknown> =>
    read(await send(origin, 'PUT', `/api/mcp/client/${clientIds[server]}`, body));
  const [puts, lists]: [number[], number[]] = [[], []];
  const before = readCpuMicros(pid);
  // Every other change is one of a server that the reader sees.
  for (let round = 0; round < PUTS; round += 1) {
    const server = round % 2 === 0 ? 0 : 1 + ((round * 37) % (size.servers - 1));
    puts.push(await timed(() => put(server, { tool_pricing: { echo: 0.000_001 * (round + 2) } })));
    lists.push(await timed(() => reader.list()));
  }
  addQuantiles(figures, 'PUT of a server', puts);
  addQuantiles(figures, 'the first tools/list after it', lists);
  figures.set('both together, CPU time', (readCpuMicros(pid) - before) / PUTS / 1_000);
  const [grantPuts, grantLists]: [number[], number[]] = [[], []];
  const granted = keys.slice(0, 1_000);
  for (let round = 0; round < GRANT_PUTS; round += 1) {
    const tools_to_execute = round % 2 === 0 ? ['echo'] : ['*'];
    const vk_configs = granted.map(({ id }) => ({ virtual_key_id: id, tools_to_execute }));
    grantPuts.push(await timed(() => put(1, { vk_configs })));
    grantLists.push(await timed(() => reader.list()));
  }
  addQuantiles(figures, `PUT with ${granted.length.toLocaleString('en')} vk_configs`, grantPuts);
  addQuantiles(figures, 'the first tools/list after that', grantLists);
}

/** Share of a core that the gateway takes when nobody asks for anything: pings, above all. */
async function measureRest({ pid }: Running): Promise<number> {
  const [before, began] = [readCpuMicros(pid), performance.now()];
  await sleep(2 * 10_000);
  return (readCpuMicros(pid) - before) / (performance.now() - began) / 10;
}

/** Since the gateway was started, in ms. */
async function untilConnected({ origin, startMs }: Running, { size }: Fixture): Promise<number> {
  const listening = performance.now();
  for (;;) {
    const page = read(await send(origin, 'GET', '/api/mcp/clients?limit=1&state=healthy')) as { total_count: number };
    const elapsed = performance.now() - listening;
    if (page.total_count === size.servers) return startMs + elapsed;
    if (elapsed > CONNECT_LIMIT_MS) throw new Error(`only ${page.total_count} of ${size.servers} servers connected`);
    await sleep(POLL_MS);
  }
}

async function repeat(count: number, run: (at: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) times.push(await timed(() => run(at)));
  return times;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function addQuantiles(figures: Figures, name: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  figures.set(`${name}, p50`, quantile(sorted, 0.5));
  figures.set(`${name}, p99`, quantile(sorted, 0.99));
}
