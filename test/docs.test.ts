import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../src/contract/client-settings.ts';
import { ERRORS } from '../src/lib/errors.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test('every error code is documented with its status and its JSON-RPC code, and no other is', () => {
  const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` +\| (\d+) +\| (-\d+) +\| (yes|no) +\| \S/gm)];
  const documented = Object.fromEntries(
    rows.map(([, code, status, rpc, retryable]) => [
      code,
      { status: Number(status), rpc: Number(rpc), retryable: retryable === 'yes' },
    ]),
  );
  expect(documented).toEqual(ERRORS);
});

test('the readme names every setting with its default', () => {
  const readme = read('README.md').replaceAll(/ +/g, ' ');
  for (const [name, value] of Object.entries(DEFAULT_SETTINGS)) {
    expect(readme).toContain(`| \`${name}\` | \`${JSON.stringify(value)}\` |`);
  }
});

test('every dependency has a line that says why it is here', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const documented = [...read('docs/decisions/dependencies.md').matchAll(/^- `([^`]+)`: \S/gm)].map(([, name]) => name);
  expect(new Set(documented)).toEqual(new Set(Object.keys({ ...dependencies, ...devDependencies })));
});
