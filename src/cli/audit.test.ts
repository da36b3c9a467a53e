import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newPostgresUrl } from '../../test/kit/databases.ts';
import { startGateway } from '../../test/kit/gateway.ts';
import { temporaryFolder } from '../../test/kit/temporary-folder.ts';
import { writeFile } from 'node:fs/promises';

const main = join(import.meta.dirname, '..', 'main.ts');

/** Runs `asbru audit …` in a process of its own. */
async function audit(...args: string[]) {
  const { ASBRU_CONFIG: _config, ASBRU_ENCRYPTION_KEY: _key, ...env } = process.env;
  const child = spawn(process.execPath, [main, 'audit', ...args], { env });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (out.stdout += String(data)));
  child.stderr.on('data', (data) => (out.stderr += String(data)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...out };
}

test('the trail is verified beside a running gateway, exported, and a change in it is shown', async () => {
  await using folder = await temporaryFolder();
  const where = ['--app-dir', folder.path];
  await using gateway = await startGateway({ appDir: folder.path });
  expect(await audit('verify', ...where)).toEqual({ code: 0, stdout: '0 entries, intact\n', stderr: '' });
  for (const name of ['a', 'b', 'c']) await gateway.api('POST', '/api/api-keys', { name });
  const { code, stdout } = await audit('verify', ...where);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^3 entries, intact; the newest is [0-9a-f]{64}\n$/)]);

  const head = /[0-9a-f]{64}/.exec(stdout)?.[0] ?? '';
  expect((await audit('verify', '--anchor', head, ...where)).code).toBe(0);
  const setBack = await audit('verify', '--anchor', 'f'.repeat(64), ...where);
  expect([setBack.code, setBack.stdout]).toEqual([1, expect.stringContaining('set back to an earlier state')]);

  const lines = (await audit('export', ...where)).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { id: 1, action: 'create', entity: 'api_key', entity_name: 'a', request: { ip: '127.0.0.1' } },
    { id: 2, entity_name: 'b' },
    { id: 3, entity_name: 'c', hash: head },
  ]);

  const database = new DatabaseSync(join(folder.path, 'asbru.db'));
  database.exec("drop trigger audit_logs_no_update; update audit_logs set actor_name = 'nobody' where id = 2");
  database.close();
  expect(await audit('verify', ...where)).toEqual({
    code: 1,
    stdout:
      'BROKEN at entry 2: entry 2 was altered, or was not written by a gateway with this encryption key. ' +
      'Entries before it that hold: 1\n',
    stderr: '',
  });
});

test('the database of config.json is verified, also on PostgreSQL', async () => {
  await using folder = await temporaryFolder();
  const config = { config_store: { enabled: true, type: 'postgres', config: { url: await newPostgresUrl() } } };
  const configFile = join(folder.path, 'my.json');
  await writeFile(configFile, JSON.stringify(config));
  await using gateway = await startGateway({ appDir: folder.path, configFile });
  await gateway.api('POST', '/api/api-keys', { name: 'a' });
  const { code, stdout } = await audit('verify', '--app-dir', folder.path, '--config', configFile);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^1 entry, intact/)]);
});

test('where there is no database none is made, and the answer is not "intact"', async () => {
  await using folder = await temporaryFolder();
  const { code, stderr } = await audit('verify', '--app-dir', folder.path);
  expect([code, stderr]).toEqual([
    2,
    `asbru cannot read the audit logs: there is no database ${folder.path}/asbru.db\n`,
  ]);
});
