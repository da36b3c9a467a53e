import { expect, test } from 'vitest';
import { parseConfig } from './file.ts';
import { isLoggingEnabled, ledgerOptions } from './ledger-options.ts';

const POSTGRES = { type: 'postgres', config: { url: 'postgres://db/main' } };
const sqlite = (path?: string) => ({ type: 'sqlite', ...(path !== undefined && { config: { path } }) });

test.each([
  ['nothing said', {}, { type: 'sqlite', path: '/app/logs.db' }],
  ['the configuration elsewhere', { config_store: sqlite('/data/main.db') }, { type: 'sqlite', path: '/data/logs.db' }],
  ['a folder of the app', { config_store: sqlite('db/main.db') }, { type: 'sqlite', path: '/app/db/logs.db' }],
  ['the configuration in memory', { config_store: sqlite(':memory:') }, { type: 'sqlite', path: ':memory:' }],
  ['a path', { logs_store: sqlite('./my-logs.db') }, { type: 'sqlite', path: '/app/my-logs.db' }],
  ['the configuration in PostgreSQL', { config_store: POSTGRES }, POSTGRES],
  ['both in PostgreSQL', { config_store: POSTGRES, logs_store: { enabled: true } }, POSTGRES],
  ['PostgreSQL of its own', { logs_store: POSTGRES }, POSTGRES],
  [
    'SQLite beside PostgreSQL',
    { config_store: POSTGRES, logs_store: sqlite() },
    { type: 'sqlite', path: '/app/logs.db' },
  ],
])('with %s the ledger is where one expects it', (_name, file, expected) => {
  expect(ledgerOptions(parseConfig(JSON.stringify(file)).file, '/app')).toEqual(expected);
});

test('without a directory everything is in memory', () => {
  expect(ledgerOptions(parseConfig('{}').file, undefined)).toEqual({ type: 'sqlite', path: ':memory:' });
});

test('logging can be switched off', () => {
  expect(isLoggingEnabled(parseConfig('{}').file)).toBe(true);
  expect(isLoggingEnabled(parseConfig('{"logs_store":{"enabled":false}}').file)).toBe(false);
});
