import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../test/kit/temporary-folder.ts';
import { setSecretFolder } from './secret-file.ts';
import { looksMasked, Secret } from './secret.ts';

afterEach(() => vi.unstubAllEnvs());
const VALUE = 'canary-value-in-a-file';

describe('a reference to a file', () => {
  test('is read at use, from the app directory on, without the line break at the end', async () => {
    await using folder = await temporaryFolder();
    setSecretFolder(folder.path);
    await mkdir(join(folder.path, 'secrets'));
    for (const [content, text] of [
      [VALUE, VALUE],
      [`${VALUE}\n`, VALUE],
      [`${VALUE}\r\n`, VALUE],
      [`${VALUE}\n\n`, `${VALUE}\n`],
      [' a \nb', ' a \nb'],
    ] as const) {
      const path = join(folder.path, 'secrets', 'token');
      await writeFile(`${path}.new`, content);
      await rename(`${path}.new`, path);
      expect(Secret.parse('file.secrets/token').resolve()).toBe(text);
      expect(Secret.parse(`file.${path}`).resolve()).toBe(text);
    }
  });

  test('sees a change of the file', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'token');
    await writeFile(path, 'first');
    const secret = Secret.parse(`file.${path}`);
    expect(secret.resolve()).toBe('first');
    await appendFile(path, ' and second');
    expect(secret.resolve()).toBe('first and second');
  });

  test('is shown as a reference, and of the file nothing', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'token');
    await writeFile(path, VALUE);
    const reference = `file.${path}`;
    const secret = Secret.parse(reference);
    const shown = { value: '********', env_var: '', from_env: false, secret_ref: reference, from_secret: true };
    expect(JSON.parse(JSON.stringify(secret))).toEqual(shown);
    expect(`${String(secret)} ${inspect(secret)} ${JSON.stringify(secret)}`).not.toMatch(/cana|file$/);
    expect(looksMasked(secret.view().value)).toBe(true);
    // What is shown can be sent back, and so can the reference alone.
    expect(Secret.parse(secret.view()).reference).toBe(reference);
    expect(Secret.parse({ secret_ref: reference, from_secret: true }).reference).toBe(reference);
  });

  test.for([
    ['that is missing', undefined, 'does not exist'],
    ['that is too large', 'x'.repeat(65_537), 'is larger than 64 KiB'],
    ['that is empty', '\n', 'is empty'],
    ['that is a folder', null, 'is not a file'],
  ] as const)('%s leads to nothing and says why', async ([, content, why]) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'token');
    if (typeof content === 'string') await writeFile(path, content);
    if (content === null) await mkdir(path);
    const secret = Secret.parse(`file.${path}`);
    expect(secret).toMatchObject({ isSet: true, isDangling: true, problem: `file.${path}: ${path} ${why}` });
    expect(secret.resolve()).toBe('');
    expect(secret.view().value).toBe('');
  });
});

test('a variable that is not set is a problem, too', () => {
  vi.stubEnv('ASBRU_TEST_SECRET', '');
  expect(Secret.parse('env.ASBRU_TEST_SECRET').problem).toBe('env.ASBRU_TEST_SECRET is not set');
  vi.stubEnv('ASBRU_TEST_SECRET', 'x');
  expect(Secret.parse('env.ASBRU_TEST_SECRET')).toMatchObject({ problem: undefined, isDangling: false });
});

test('a literal is no reference, whatever it looks like', () => {
  vi.stubEnv('ASBRU_TEST_SECRET', VALUE);
  for (const text of ['env.ASBRU_TEST_SECRET', 'file./etc/hostname', '']) {
    const secret = Secret.literal(text);
    expect([secret.resolve(), secret.reference, secret.problem]).toEqual([text, '', undefined]);
    expect(Secret.isReference(text)).toBe(text !== '');
  }
});
