import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/file.ts';
import { openStores } from '../../src/config/open-stores.ts';
import { configMigrations, connect, type DatabaseOptions } from '../../src/store/database.ts';
import { goTo, readProgress } from '../../src/store/go-to.ts';
import { ledgerMigrations } from '../../src/store/ledger/migrate.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';
import { bringIn } from '../../src/store/portable/bring-in.ts';
import { isHead, type AnyTables } from '../../src/store/portable/entries.ts';
import { openSnapshot, type Places } from '../../src/store/portable/snapshot.ts';
import { CONFIG_TABLES, LOG_TABLES, PASSING_TABLES, USAGE_TABLES } from '../../src/store/portable/tables.ts';
import { RELEASES } from '../../src/store/releases.ts';
import { DATABASES, newPostgresUrl } from '../kit/databases.ts';
import { FULL } from '../kit/full-gateway.ts';
import { startGateway } from '../kit/gateway.ts';
import { answersOfReleased, readEverything, RELEASED, unpackReleased } from '../kit/released.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

/** Databases as a version wrote them, where this version may do with them as it likes. */
async function openReleased(version: string, type: (typeof DATABASES)[number]) {
  const folder = await temporaryFolder();
  await unpackReleased(version, folder.path);
  const file = (name: string): DatabaseOptions => ({ type: 'sqlite', path: join(folder.path, name) });
  let places: Places = { config: file('asbru.db'), ledger: file('logs.db') };
  let config = {};
  if (type === 'postgres') {
    // The same rows in the tables of that version: its migrations are still here.
    const url = await newPostgresUrl();
    await using snapshot = await openSnapshot(places);
    places = { config: { type, config: { url } }, ledger: { type, config: { url } } };
    await bringIn({
      to: places,
      header: { asbru: version, migrations: RELEASES[version] ?? { config: '' }, has_logs: true },
      entries: snapshot.read({ hasLogs: true }),
      isForced: false,
      finish: () => Promise.resolve(),
    });
    config = { config_store: { enabled: true, type, config: { url } } };
  }
  return {
    places,
    start: () => startGateway({ appDir: folder.path, config, ...FULL }),
    go: (name: 'release' | 'latest') =>
      goTo(
        (['config', 'ledger'] as const).map((half) => ({
          half,
          options: places[half],
          name: name === 'release' ? RELEASES[version]?.[half] : undefined,
        })),
        false,
      ),
    secrets: () => readSecrets(folder.path, config),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Secrets of every kind, decrypted: what the API shows only as masks. */
async function readSecrets(appDir: string, config: object): Promise<unknown> {
  const { file } = parseConfig(JSON.stringify(config));
  const stores = await openStores({ file, appDir, passphrase: FULL.passphrase, onError: () => {} });
  try {
    const [wiki, files] = [await stores.clients.find('wiki-id'), await stores.clients.find('files-id')];
    const [key] = await stores.governance.providerKeys.list();
    const token = (await stores.oauth.tokens.list())[0];
    const credential = (await stores.headerCredentials.list())[0];
    return {
      header: wiki?.headers['Authorization']?.resolve(),
      variable: files?.stdio_config?.envs[1]?.value?.resolve(),
      provider: key?.value.resolve(),
      tokens: [token?.access.resolve(), token?.refresh.resolve()],
      client: (await stores.oauth.configs.find('config-1'))?.client_secret.resolve(),
      verifier: (await stores.oauth.flows.find('flow-1'))?.verifier,
      entered: credential?.values(),
      approval: (await stores.approvals.find('approval-1', 0))?.arguments,
      run: await stores.codeRuns.find('run-1', 'virtual-key:vk-1', 0),
      result: (await stores.keptResults.find('result-1', 'virtual-key:vk-1', 0))?.text,
    };
  } finally {
    await stores.database.close();
  }
}

/** Every row, as it is stored, by table. */
async function readRows(places: Places): Promise<Record<string, string[]>> {
  await using snapshot = await openSnapshot(places);
  const rows: Record<string, string[]> = {};
  let table = '';
  for await (const entry of snapshot.read({ hasLogs: true })) {
    if (isHead(entry)) rows[(table = entry.table)] = [JSON.stringify([entry.columns.toSorted(), entry.numbered])];
    else rows[table]?.push(JSON.stringify(entry));
  }
  return Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, all.toSorted()]));
}

test('there are databases of every version that can be gone back to', () => {
  expect(RELEASED.toSorted()).toEqual(Object.keys(RELEASES).toSorted());
  expect(RELEASED.length).toBeGreaterThan(0);
});

test.each(RELEASED)('the databases of %s have rows in every table that it knew', async (version) => {
  await using released = await openReleased(version, 'sqlite');
  const rows = await readRows(released.places);
  expect(Object.entries(rows).filter(([, all]) => all.length < 2)).toEqual([]);
  expect(Object.keys(rows).length).toBeGreaterThanOrEqual(36);
});

describe.each(DATABASES)('on %s', (type) => {
  test.each(RELEASED)('what %s wrote is read as it showed it, secrets included', async (version) => {
    await using released = await openReleased(version, type);
    {
      await using gateway = await released.start();
      expect(await readEverything(gateway)).toMatchObject(answersOfReleased(version) as object);
    }
    expect(await released.secrets()).toEqual({
      ...{ header: 'Bearer canary-header', variable: 'canary-variable', provider: 'sk-canary-provider' },
      ...{ tokens: ['canary-access', 'canary-refresh'], client: 'canary-client-secret', verifier: 'canary-verifier' },
      ...{ entered: { 'x-key': 'canary-entered' }, approval: '{"text":"canary"}', run: 'canary-run' },
      result: 'canary-result',
    });
  });

  test.each(RELEASED)('from %s to this version and back not a byte is lost', async (version) => {
    await using released = await openReleased(version, type);
    await released.go('release');
    const before = await readRows(released.places);
    await released.go('latest');
    await released.go('release');
    expect(await readRows(released.places)).toEqual(before);
    await released.go('latest');
    await using gateway = await released.start();
    expect(await readEverything(gateway)).toMatchObject(answersOfReleased(version) as object);
  });
});

test('each step back leaves what it keeps as it was', async () => {
  await using released = await openReleased(RELEASED[0] ?? '', 'sqlite');
  const { config } = released.places;
  await released.go('latest');
  const { steps } = await readProgress('config', config);
  const names = steps.map(({ name }) => name).toReversed();
  let before = await readColumns(config);
  for (const name of names) {
    await goTo([{ half: 'config', options: config, name }], true);
    const after = await readColumns(config);
    expect(after.size).toBeGreaterThan(0);
    for (const [place, values] of after) {
      // Versions without accounts know no scope for them.
      if (place !== 'api_keys.scopes') expect(values, `${place} at ${name}`).toEqual(before.get(place));
    }
    before = after;
  }
});

/** The values of every column, sorted. */
async function readColumns(options: DatabaseOptions): Promise<Map<string, string[]>> {
  const { db } = await connect<AnyTables>(options);
  const columns = new Map<string, string[]>();
  for (const table of await db.introspection.getTables()) {
    const rows = await db.selectFrom(table.name).selectAll().execute();
    for (const { name } of table.columns)
      columns.set(`${table.name}.${name}`, rows.map((row) => JSON.stringify(row[name])).toSorted());
  }
  await db.destroy();
  return columns;
}

test('the tables that are carried are all that there are', async () => {
  const carried = new Set<string>([...CONFIG_TABLES, ...USAGE_TABLES, ...LOG_TABLES, ...PASSING_TABLES]);
  for (const migrationsOf of [configMigrations, ledgerMigrations]) {
    const { db, dialect } = await connect<Record<string, never>>({ type: 'sqlite', path: ':memory:' });
    await migrateToLatest(db, migrationsOf(dialect), 'memory');
    const names = (await db.introspection.getTables()).map(({ name }) => name);
    expect(names.filter((name) => !carried.has(name) && !/^ledger_migration/.test(name))).toEqual([]);
    await db.destroy();
  }
});
