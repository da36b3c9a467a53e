/**
 * `npm run nodes [part]`: the scenarios, the conformance suite and the matrix of real clients and servers, each gateway in them being
 * three nodes on one PostgreSQL behind a balancer that sends every request to the next node.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createDoor, startPostgres, stopPostgres } from '../kit/postgres-server.ts';

const NODES = 3;
const PARTS: Readonly<Record<string, readonly string[]>> = {
  scenarios: ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/nodes/vitest.config.ts'],
  conformance: ['test/conformance/run.ts'],
  peers: ['test/peers/run.ts'],
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const [only, ...more] = process.argv.slice(2);
const postgres = await startPostgres();
const door = createDoor(() => Promise.resolve(postgres));
await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
const env = {
  ...process.env,
  ASBRU_TEST_NODES: String(NODES),
  ASBRU_TEST_POSTGRES: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
};
let failed = 0;
let running: ChildProcess | undefined;
let isEnded = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    isEnded = true;
    running?.kill(signal);
  });
}
for (const [name, args] of Object.entries(PARTS)) {
  if (isEnded || (only !== undefined && only !== name)) continue;
  console.log(`\n${name}, through ${NODES} nodes`);
  running = spawn(process.execPath, [...args, ...more], { cwd: root, env, stdio: 'inherit' });
  const code = await new Promise((resolve) => running?.once('exit', resolve));
  if (code !== 0) failed += 1;
}
door.close();
await stopPostgres(postgres);
process.exit(failed === 0 ? 0 : 1);
