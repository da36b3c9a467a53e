import { copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backup } from '../../src/cli/backup.ts';
import { migrateToPostgres } from '../../src/cli/migrate-to-postgres.ts';
import { migrate } from '../../src/cli/migrate.ts';
import { restore } from '../../src/cli/restore.ts';
import { runAsbru, runHere } from '../kit/command.ts';
import { newPostgresUrl } from '../kit/databases.ts';
import { fillGateway, FULL } from '../kit/full-gateway.ts';
import { startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { readEverything } from '../kit/released.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const AUDIT = '/api/audit-logs?limit=100';
const VERIFY = '/api/audit-logs/verify';

/** What both gateways show must be the same, but for the entry that says how the one came to be. */
async function expectSame(copy: GatewayAccess, before: Record<string, unknown>): Promise<void> {
  const after = await readEverything(copy);
  const entries = (answers: Record<string, unknown>) =>
    (answers[AUDIT] as { audit_logs: { action: string }[] }).audit_logs;
  const [newest, ...rest] = entries(after);
  expect(newest).toMatchObject({ action: 'restore', actor: 'command-line' });
  expect(rest).toEqual(entries(before));
  expect(after[VERIFY]).toMatchObject({ is_intact: true, entries: rest.length + 1 });
  for (const each of [AUDIT, VERIFY]) {
    delete after[each];
    delete before[each];
  }
  expect(after).toEqual(before);
}

test('a gateway is backed up while it runs, and restored elsewhere with everything in it', async () => {
  await using folder = await temporaryFolder();
  await using other = await temporaryFolder();
  await using apart = await temporaryFolder();
  const secret = { ASBRU_ENCRYPTION_KEY: FULL.passphrase };
  const file = join(apart.path, 'monday.gz');
  const appDir = join(other.path, 'new');
  await fillGateway(folder.path);
  let before: Record<string, unknown>;
  {
    await using gateway = await startGateway({ appDir: folder.path, ...FULL });
    const made = await runAsbru(['backup', file, '--logs', '--app-dir', folder.path], secret);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/holds \d+ rows of the configuration and \d+ rows of logs\./);
    expect(made.stdout).toContain('The encryption key is not in it: without the passphrase');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    before = await readEverything(gateway);

    const onto = await runHere(() => restore(file, { force: true, appDir: folder.path }), secret);
    expect([onto.code, onto.stderr]).toEqual([1, expect.stringContaining('a gateway is running on the database')]);
    const withKey = await runHere(() => backup(`${file}.2`, { withKey: true, appDir: folder.path }), secret);
    expect([withKey.code, withKey.stderr]).toEqual([1, expect.stringContaining('encrypted with a passphrase')]);
  }
  const wrong = await runHere(() => restore(file, { appDir }), { ASBRU_ENCRYPTION_KEY: 'another one' });
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringContaining('is not the one this database was encrypted'),
  ]);
  expect(await readdir(appDir)).toEqual([]);

  const done = await runAsbru(['restore', file, '--app-dir', appDir], secret);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  await using copy = await startGateway({ appDir, ...FULL });
  await expectSame(copy, before);
});

test('with its key a backup is enough; without it the key file must be there; what is there is not overwritten', async () => {
  await using folder = await temporaryFolder();
  await using other = await temporaryFolder();
  await using apart = await temporaryFolder();
  const { apiKey } = FULL;
  const [bare, whole] = [join(apart.path, 'bare.gz'), join(apart.path, 'whole.gz')];
  {
    await using gateway = await startGateway({ appDir: folder.path, apiKey });
    await gateway.api('POST', '/api/providers', { name: 'openai', keys: [{ name: 'a', value: 'sk-canary' }] });
    expect((await runHere(() => backup(bare, { appDir: folder.path }))).code).toBe(0);
    const made = await runHere(() => backup(whole, { withKey: true, appDir: folder.path }));
    expect(made.stdout).toContain('The encryption key is in it: whoever has this file can read every secret.');
  }
  const there = { appDir: other.path };
  const missing = await runHere(() => restore(bare, there));
  expect([missing.code, missing.stderr]).toEqual([
    1,
    expect.stringContaining('the encryption key is not in the backup'),
  ]);
  expect(await readdir(other.path)).toEqual([]);

  const done = await runHere(() => restore(whole, there));
  expect([done.code, done.stderr]).toEqual([0, '']);
  expect(done.stdout).toContain('It was part of the backup, which therefore opens every secret.');
  const again = await runHere(() => restore(bare, there));
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('--force replaces what is there')]);
  await writeFile(`${bare}.cut`, (await readFile(bare)).subarray(0, -20));
  const cut = await runHere(() => restore(`${bare}.cut`, { force: true, ...there }));
  expect([cut.code, cut.stderr]).toEqual([1, expect.stringContaining('cannot be read as a backup')]);

  await using copy = await startGateway({ appDir: other.path, apiKey });
  const { body } = await copy.api('GET', '/api/providers/openai/keys');
  expect(JSON.stringify(body)).toContain('"name":"a"');
});

test('a running SQLite gateway moves to PostgreSQL, and from there back into a file', async () => {
  await using folder = await temporaryFolder();
  await using back = await temporaryFolder();
  const url = await newPostgresUrl();
  const env = { ASBRU_ENCRYPTION_KEY: FULL.passphrase, ASBRU_DATABASE_URL: url };
  const move = ['migrate-to-postgres', '--to', 'env.ASBRU_DATABASE_URL', '--app-dir', folder.path];
  await fillGateway(folder.path);
  let before: Record<string, unknown>;
  {
    await using gateway = await startGateway({ appDir: folder.path, ...FULL });
    const moved = await runAsbru(move, env);
    expect([moved.code, moved.stderr]).toEqual([0, '']);
    expect(moved.stdout).toMatch(/ {2}mcp_clients +2\n/);
    expect(moved.stdout).toContain('Every node needs the same passphrase as before.');
    before = await readEverything(gateway);
    const config = moved.stdout.slice(moved.stdout.indexOf('{'), moved.stdout.lastIndexOf('}') + 1);
    await writeFile(join(back.path, 'postgres.json'), config);
    const again = await runHere(() => migrateToPostgres({ to: url, logs: true, appDir: folder.path }), env);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('is not empty (settings)')]);
    expect(again.stderr).not.toContain(new URL(url).password);
  }
  const configFile = join(back.path, 'postgres.json');
  process.env['ASBRU_DATABASE_URL'] = url;
  {
    await using copy = await startGateway({ appDir: back.path, configFile, ...FULL });
    await expectSame(copy, { ...before });
    const file = join(back.path, 'from-postgres.gz');
    const made = await runHere(() => backup(file, { logs: true, config: configFile, appDir: back.path }), env);
    expect([made.code, made.stderr]).toEqual([0, '']);
    await copyFile(file, join(folder.path, 'b.gz'));
  }
  const restored = await runHere(() => restore(join(folder.path, 'b.gz'), { force: true, appDir: folder.path }), env);
  expect([restored.code, restored.stderr]).toEqual([0, '']);
  await using home = await startGateway({ appDir: folder.path, ...FULL });
  const after = await readEverything(home);
  expect(after[VERIFY]).toMatchObject({ is_intact: true });
  for (const path of Object.keys(before)) {
    if (!path.startsWith('/api/audit-logs')) expect(after[path], path).toEqual(before[path]);
  }
});

test('migrations are listed and gone through from the command line', async () => {
  await using folder = await temporaryFolder();
  const where = { appDir: folder.path };
  const none = await runHere(() => migrate({ list: true, ...where }));
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('there is no database')]);
  {
    await using _gateway = await startGateway({ appDir: folder.path, ...FULL });
    const busy = await runHere(() => migrate({ to: '0.1.0', ...where }));
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('a gateway is running on the database')]);
  }
  const unknown = await runHere(() => migrate({ to: '9.9.9', ...where }));
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('there was no version 9.9.9')]);
  const back = await runAsbru(['migrate', '--to', '0.1.0', '--app-dir', folder.path]);
  expect([back.code, back.stderr]).toEqual([0, '']);
  expect(back.stdout).toContain('+ 013-kept-results   (newest of 0.1.0)');
  expect(back.stdout).toContain('The databases are as version 0.1.0 has them.');
});
