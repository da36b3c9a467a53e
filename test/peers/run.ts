/** `npm run peers`: real clients against real servers, without the gateway and through it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { CLIENTS } from './clients.ts';
import { canConnect } from './cannot.ts';
import { readOptions, type Options } from './options.ts';
import type { Peer, StartedServer } from './peer-server.ts';
import { renderFailures, renderTable } from './report.ts';
import { runRow, type RowResult, type Way } from './row.ts';
import { SERVERS } from './servers.ts';

/** Its clients come in by HTTP+SSE too; one server shows all that there is to see of that. */
const BEHIND_SSE = 'everything stdio';
const PREFIX = 'peer';
const LANES = 2;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

// A library that loses an error in the background must not end the run, nor go unseen.
let strays = 0;
process.on('unhandledRejection', (error) => {
  strays++;
  console.log(`a client left an error unhandled: ${String(error)}`);
});

const options = readOptions(process.argv.slice(2));
if (options !== undefined) await main(options);

async function main(options: Options): Promise<void> {
  const began = performance.now();
  const waiting = SERVERS.filter(({ name }) => name.includes(options.server));
  const results: RowResult[] = [];
  const lane = async (): Promise<void> => {
    for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift()) {
      results.push(...(await runServer(peer, options)));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  console.log(renderTable(results));
  console.log(renderFailures(results, options));
  const cells = results.flatMap(({ cells }) => Object.values(cells));
  const failed = cells.filter(({ kind }) => kind === 'failed').length + strays;
  console.log(`took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  console.log(`${cells.filter(({ kind }) => kind === 'passed').length} passed, ${failed} failed`);
  // What clients left running must not keep the run alive.
  process.exit(failed === 0 ? 0 : 1);
}

async function runServer(peer: Peer, options: Options): Promise<RowResult[]> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'asbru-peers-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const started = await peer.start({ folder, stack });
  if (typeof started === 'string') {
    console.log(`${peer.name}: skipped, ${started}`);
    return [];
  }
  const results: RowResult[] = [];
  for (const way of await waysTo(peer, started, stack, options)) {
    for (const [client, { open }] of Object.entries(CLIENTS)) {
      if (!client.includes(options.client) || !canConnect({ way: way.name, client, server: peer.name })) continue;
      results.push(await runRow({ client, open, peer, way }));
    }
  }
  return results;
}

async function waysTo(
  peer: Peer,
  { direct, registration, back }: StartedServer,
  stack: AsyncDisposableStack,
  { way }: Options,
): Promise<Way[]> {
  const ways: Way[] = [];
  if (direct !== undefined) ways.push({ name: 'direct', ...direct, headers: {}, prefix: '' });
  if ('direct'.includes(way) && way !== '') return ways;
  const gateway: TestGateway = stack.use(await startGateway());
  await gateway.createClient({ name: PREFIX, tools_to_execute: ['*'], ...registration });
  const through = { headers: { authorization: `Bearer ${gateway.apiKey}` }, prefix: `${PREFIX}-`, back };
  ways.push({ name: 'gateway', url: `${gateway.address}/mcp`, transport: 'http', ...through });
  if (peer.name === BEHIND_SSE) {
    ways.push({ name: 'gateway /sse', url: `${gateway.address}/sse`, transport: 'sse', ...through });
  }
  return ways.filter(({ name }) => name.includes(way));
}
