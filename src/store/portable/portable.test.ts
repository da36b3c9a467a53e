import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DATABASES, newPostgresUrl } from '../../../test/kit/databases.ts';
import { temporaryFolder } from '../../../test/kit/temporary-folder.ts';
import { createAccountStore } from '../accounts.ts';
import { createChanges } from '../changes.ts';
import { openDatabase, type DatabaseOptions } from '../database.ts';
import { createSettingsStore } from '../settings.ts';
import { openBackup, writeBackup, type BackupHeader } from './backup-file.ts';
import { bringIn } from './bring-in.ts';
import type { Entry } from './entries.ts';
import { openSnapshot, type Places } from './snapshot.ts';

const header: BackupHeader = {
  format: 'asbru-backup',
  format_version: 1,
  asbru: '0.1.0',
  created_at: '2026-11-22T00:00:00.000Z',
  migrations: { config: '018-oauth-registrations' },
  has_logs: false,
};

async function somewhere(type: (typeof DATABASES)[number], folder: string): Promise<Places> {
  const config: DatabaseOptions =
    type === 'sqlite' ? { type, path: join(folder, 'asbru.db') } : { type, config: { url: await newPostgresUrl() } };
  return { config, ledger: { type: 'sqlite', path: join(folder, 'no-ledger.db') } };
}

async function collect(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  return Array.fromAsync(entries);
}

describe.each(DATABASES)('on %s', (type) => {
  test('a snapshot shows what was there when it was taken, and holds up nobody', async () => {
    await using folder = await temporaryFolder();
    const places = await somewhere(type, folder.path);
    const database = await openDatabase(places.config);
    const settings = createSettingsStore(database.db);
    await settings.put('a', 'canary-before');
    await using snapshot = await openSnapshot(places);
    await settings.put('a', 'canary-after');
    await createAccountStore(database.db).create({ name: 'canary-later' });
    const text = JSON.stringify(await collect(snapshot.read({ hasLogs: true })));
    expect(text).toContain('canary-before');
    expect(text).not.toContain('canary-after');
    expect(text).not.toContain('canary-later');
    await database.close();
  });

  test('numbers that were given out are not given out again after they were carried', async () => {
    await using folder = await temporaryFolder();
    await using other = await temporaryFolder();
    const [from, to] = [await somewhere(type, folder.path), await somewhere(type, other.path)];
    const source = await openDatabase(from.config);
    const keys = createAccountStore(source.db);
    await keys.create({ name: 'first' });
    const { apiKey } = await keys.create({ name: 'removed' });
    await keys.remove(apiKey.id);
    await source.close();
    await using snapshot = await openSnapshot(from);
    const entries = snapshot.read({ hasLogs: false });
    await bringIn({ to, header, entries, isForced: false, finish: () => Promise.resolve() });
    const target = await openDatabase(to.config);
    const { apiKey: next } = await createAccountStore(target.db).create({ name: 'next' });
    expect(next.id).toBe(apiKey.id + 1);
    await target.close();
  });

  test('what fails at the end leaves the target as it was', async () => {
    await using folder = await temporaryFolder();
    const to = await somewhere(type, folder.path);
    const database = await openDatabase(to.config);
    await createSettingsStore(database.db).put('a', 'stays');
    await database.close();
    const put = (isForced: boolean, rows: Entry[], finish = () => Promise.resolve()) =>
      bringIn({ to, header, entries: listed(rows), isForced, finish });
    const rows: Entry[] = [{ table: 'settings', columns: ['key', 'value'] }, ['a', '"new"']];
    await expect(put(false, rows)).rejects.toThrow('is not empty (settings); --force replaces what is there');
    await expect(put(true, rows, () => Promise.reject(new Error('no audit entry')))).rejects.toThrow('no audit entry');
    await expect(put(true, [...rows, ['a', 'twice']])).rejects.toThrow(/unique/i);
    const again = await openDatabase(to.config);
    expect(await createSettingsStore(again.db).get('a')).toBe('stays');
    await again.close();
    expect(await put(true, rows)).toEqual({ settings: 1 });
  });

  test('no gateway may be running on the target', async () => {
    await using folder = await temporaryFolder();
    const to = await somewhere(type, folder.path);
    const database = await openDatabase(to.config);
    const changes = await createChanges(database, () => {});
    const putting = bringIn({ to, header, entries: listed([]), isForced: true, finish: () => Promise.resolve() });
    await expect(putting).rejects.toThrow('a gateway is running on the database');
    await changes.close();
    await database.close();
  });
});

describe('a backup file', () => {
  const entries: Entry[] = [
    { table: 'settings', columns: ['key', 'value'] },
    ['a', 'ü 💡 \u0000 \u2028 line\nbreak'],
    ['b', null],
    { table: 'customers', columns: ['id'] },
  ];

  test('gives back what was written', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'b.gz');
    expect(await writeBackup(path, header, listed(entries))).toEqual({ settings: 2, customers: 0 });
    const reader = await openBackup(path);
    expect(reader.header).toEqual(header);
    expect(await collect(reader.entries())).toEqual(entries);
    await expect(writeBackup(path, header, listed([]))).rejects.toThrow('exists already');
  });

  test('that is cut off, changed or something else is refused', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'b.gz');
    await writeBackup(path, header, listed(entries));
    const whole = await readFile(path);
    const text = gunzipSync(whole).toString();
    const read = async (content: Uint8Array | string) => {
      await writeFile(path, content);
      return collect((await openBackup(path)).entries());
    };
    const lines = text.split('\n');
    await expect(read(whole.subarray(0, -9))).rejects.toThrow('cannot be read as a backup');
    await expect(read(gzipSync(lines.toSpliced(-2, 1).join('\n')))).rejects.toThrow('its end is missing');
    await expect(read(gzipSync(lines.toSpliced(2, 1).join('\n')))).rejects.toThrow('rows are missing');
    await expect(read(gzipSync('{"format":"other"}\n'))).rejects.toThrow('is no backup of Asbru');
    await expect(read('a letter')).rejects.toThrow('cannot be read as a backup');
    await expect(read(gzipSync(text.replace('"format_version":1', '"format_version":2')))).rejects.toThrow(
      'was made by Asbru 0.1.0, in a format that is not known here',
    );
    await expect(openBackup(join(folder.path, 'none'))).rejects.toThrow('there is no file');
  });
});

async function* listed(entries: readonly Entry[]): AsyncGenerator<Entry> {
  yield* entries;
}
