import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createAppDir, resolveOptions } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'asbru-options-'));
const file = join(folder, 'my.json');
writeFileSync(file, '{}');
afterAll(() => rmSync(folder, { recursive: true }));

describe('the options of a start', () => {
  test('have safe defaults: this machine only', () => {
    expect(resolveOptions({ appDir: folder }, {}, false)).toEqual({
      host: '127.0.0.1',
      port: 8080,
      appDir: folder,
      configFile: undefined,
      passphrase: undefined,
      apiKey: undefined,
      setupToken: undefined,
      logLevel: 'info',
      logStyle: 'json',
      drainGrace: 0,
      nodeAddress: undefined,
      workers: 1,
    });
    expect(resolveOptions({}, {}, true)).toMatchObject({
      appDir: join(homedir(), '.config', 'asbru'),
      logStyle: 'pretty',
    });
  });

  test('come from the flag, else from ASBRU_*, else from the common names', () => {
    const env = { APP_PORT: '1', ASBRU_PORT: '2', APP_HOST: '0.0.0.0', LOG_LEVEL: 'warn', ASBRU_LOG_STYLE: 'pretty' };
    expect(resolveOptions({ port: '3' }, env, false).port).toBe(3);
    expect(resolveOptions({}, env, false)).toMatchObject({
      port: 2,
      host: '0.0.0.0',
      logLevel: 'warn',
      logStyle: 'pretty',
    });
    expect(resolveOptions({}, { APP_PORT: '1', ASBRU_PORT: '' }, false).port).toBe(1);
  });

  test('find config.json in the app directory, and insist on a file that was named', () => {
    expect(resolveOptions({ config: file }, {}, false).configFile).toBe(file);
    writeFileSync(join(folder, 'config.json'), '{}');
    expect(resolveOptions({ appDir: folder }, {}, false).configFile).toBe(join(folder, 'config.json'));
    expect(() => resolveOptions({ config: join(folder, 'gone.json') }, {}, false)).toThrow(/gone\.json does not exist/);
  });

  test.each([
    [{ port: '80x' }, 'the port must be a number from 0 to 65535, not "80x"'],
    [{ port: '65536' }, 'the port must be a number'],
    [{ logLevel: 'loud' }, 'the log level must be one of debug, info, warn, error, silent, not "loud"'],
    [{ drainGrace: '1.5' }, 'the drain grace must be a number of seconds from 0 to 3600, not "1.5"'],
    [
      { workers: '0' },
      'the workers (--workers) must be a number from 1 to 64, or "auto" for one for each core, not "0"',
    ],
    [{ workers: '65' }, 'from 1 to 64'],
    [{ workers: '2.5' }, 'not "2.5"'],
    [{ workers: 'many' }, 'not "many"'],
    [{ workers: '2', nodeAddress: '10.0.0.5:7070' }, 'must be a host without a port where there are 2 workers'],
    [{ logStyle: 'xml' }, 'the log style must be one of json, pretty, not "xml"'],
  ])('that are wrong (%j) are refused in one sentence', (flags, message) => {
    expect(() => resolveOptions(flags, {}, false)).toThrow(message);
  });
});

test('there are as many workers as are asked for, or as there are cores', () => {
  expect(resolveOptions({ workers: '4' }, { ASBRU_WORKERS: '2' }, false).workers).toBe(4);
  expect(resolveOptions({}, { ASBRU_WORKERS: '2' }, false).workers).toBe(2);
  expect(resolveOptions({ workers: 'auto' }, {}, false).workers).toBe(Math.min(availableParallelism(), 64));
});

test('a node address has a port where one process opens it', () => {
  const flags = { nodeAddress: '10.0.0.5:7070' };
  expect(resolveOptions({ ...flags, workers: '1' }, {}, false).nodeAddress).toBe('10.0.0.5:7070');
  expect(resolveOptions({ nodeAddress: '[::1]', workers: '2' }, {}, false).nodeAddress).toBe('[::1]');
});

test('the app directory is closed to other users', () => {
  const made = join(folder, 'deep', 'app');
  createAppDir(made);
  expect(statSync(made).mode & 0o777).toBe(0o700);
  expect(() => createAppDir(join(file, 'below-a-file'))).toThrow('cannot be created');
});
