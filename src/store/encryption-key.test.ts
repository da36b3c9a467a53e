import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { temporaryDirectory } from '../../test/kit/temporary-directory.ts';
import { openEncryption } from './encryption-key.ts';
import { createSettingsStore } from './settings.ts';

const PLACE = 'a:b:c';

describe.each(DATABASES)('on %s', (type) => {
  test('the first start makes a key file that only its owner reads, and later starts use it', async () => {
    await using database = await openTestDatabase(type);
    await using directory = await temporaryDirectory();
    const source = { settings: createSettingsStore(database.db), appDir: directory.path };
    const sealed = (await openEncryption(source)).encrypt('text', PLACE);

    const path = join(directory.path, 'encryption.key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(path, 'utf8'), 'base64')).toHaveLength(32);
    expect((await openEncryption(source)).decrypt(sealed, PLACE)).toBe('text');
  });

  test('a passphrase needs no key file, and only the same one opens the database again', async () => {
    await using database = await openTestDatabase(type);
    await using directory = await temporaryDirectory();
    const source = { settings: createSettingsStore(database.db), appDir: directory.path };
    const sealed = (await openEncryption({ ...source, passphrase: 'right' })).encrypt('text', PLACE);

    expect((await openEncryption({ ...source, passphrase: 'right' })).decrypt(sealed, PLACE)).toBe('text');
    await expect(openEncryption({ ...source, passphrase: 'wrong' })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: 'The encryption passphrase is not the one this database was encrypted with; start with the original one',
    });
    await expect(openEncryption(source)).rejects.toThrow('was encrypted with a passphrase and none was given');
    expect(await readdir(directory.path)).toEqual([]);
  });

  test('a key file cannot give way to a passphrase, nor be lost, spoilt or exchanged', async () => {
    await using database = await openTestDatabase(type);
    await using directory = await temporaryDirectory();
    const source = { settings: createSettingsStore(database.db), appDir: directory.path };
    await openEncryption(source);
    await expect(openEncryption({ ...source, passphrase: 'new' })).rejects.toThrow('cannot change to a passphrase');

    const path = join(directory.path, 'encryption.key');
    await writeFile(path, randomBytes(32).toString('base64'));
    await expect(openEncryption(source)).rejects.toThrow(`The key in ${path} is not the one`);
    await writeFile(path, 'too short');
    await expect(openEncryption(source)).rejects.toThrow('does not hold 32 bytes');
    await rm(path);
    await expect(openEncryption(source)).rejects.toThrow(`${path} cannot be used: ENOENT`);
  });

  test('processes that start at once agree on one salt', async () => {
    await using database = await openTestDatabase(type);
    const source = { settings: createSettingsStore(database.db), appDir: '/nowhere', passphrase: 'shared' };
    const [first, second] = await Promise.all([openEncryption(source), openEncryption(source)]);
    expect(second.decrypt(first.encrypt('text', PLACE), PLACE)).toBe('text');
  });
});
