/** `npm run peers`: real clients against real servers, without the gateway and through it. */
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { CLIENTS } from './clients.ts';
import { canConnect } from './cannot.ts';
import { readOptions, type Options } from './options.ts';
import type { Peer, StartedServer } from './peer-server.ts';
import { renderFailures, renderGaps, renderTable } from './report.ts';
import { runRow, type RowResult, type Way } from './row.ts';
import { runFolder } from './run-folder.ts';
import { SERVERS } from './servers.ts';
import { trySignIns } from './sign-in.ts';

/** Its clients come in by HTTP+SSE too; one server shows all that there is to see of that. */
const BEHIND_SSE = 'everything stdio';
const PREFIX = 'peer';
const LANES = 2;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

// What fails outside a cell must not end the run, nor go unseen.
let strays = 0;
function failOutside(what: string, error: unknown): void {
  strays++;
  console.log(`FAIL ${what}: ${error instanceof Error ? error.message : String(error)}`);
}
process.on('unhandledRejection', (error) => failOutside('a client left an error unhandled', error));

const options = readOptions(process.argv.slice(2));
if (options !== undefined) await main(options);

async function main(options: Options): Promise<void> {
  const began = performance.now();
  const waiting = SERVERS.filter(({ name }) => name.includes(options.server));
  const results: RowResult[] = [];
  const lane = async (): Promise<void> => {
    for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift()) {
      try {
        results.push(...(await runServer(peer, options)));
      } catch (error) {
        failOutside(peer.name, error);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const signIns = await trySignIns(options);
  console.log(renderTable(results));
  if (options.gaps) console.log(renderGaps());
  console.log(renderFailures(results, options));
  const cells = results.flatMap(({ cells }) => Object.values(cells));
  const failed = cells.filter(({ kind }) => kind === 'failed').length + strays + signIns.failed;
  console.log(`took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  const passed = cells.filter(({ kind }) => kind === 'passed').length + signIns.passed;
  console.log(`${passed} passed, ${failed} failed`);
  // What clients left running must not keep the run alive.
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

async function runServer(peer: Peer, options: Options): Promise<RowResult[]> {
  await using stack = new AsyncDisposableStack();
  const started = await peer.start({ folder: runFolder(peer.name), stack });
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
  if (way === 'direct') return ways;
  const gateway: TestGateway = stack.use(await startGateway());
  await gateway.createClient({ name: PREFIX, tools_to_execute: ['*'], ...registration });
  const through = { headers: { authorization: `Bearer ${gateway.apiKey}` }, prefix: `${PREFIX}-`, back };
  ways.push({ name: 'gateway', url: `${gateway.address}/mcp`, transport: 'http', ...through });
  if (peer.name === BEHIND_SSE) {
    ways.push({ name: 'gateway /sse', url: `${gateway.address}/sse`, transport: 'sse', ...through });
  }
  return ways.filter(({ name }) => name.includes(way));
}
