import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newPostgresUrl } from '../../test/kit/databases.ts';
import { httpClient, messageIn, startGateway } from '../../test/kit/gateway.ts';
import { temporaryFolder } from '../../test/kit/temporary-folder.ts';
import { startUpstream } from '../../test/kit/upstream.ts';

const main = join(import.meta.dirname, '..', 'main.ts');
const FORMER = 'canary-the-former-passphrase';
const NEXT = 'canary-the-next-passphrase';
const TOKEN = 'Bearer canary-token';

/** Runs `asbru …` in a process of its own. */
async function asbru(args: string[], secrets: Record<string, string> = {}) {
  const { ASBRU_CONFIG: _config, ASBRU_ENCRYPTION_KEY: _key, ...env } = process.env;
  const child = spawn(process.execPath, [main, ...args], { env: { ...env, ...secrets } });
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  child.stderr.on('data', (data) => (output += String(data)));
  const [code] = (await once(child, 'close')) as [number];
  expect(output).not.toContain('canary');
  return { code, output };
}

test('a rotation beside a running gateway: it serves, it changes nothing, and after a restart all is as it was', async () => {
  await using folder = await temporaryFolder();
  await using upstream = await startUpstream({ requiredHeader: ['Authorization', TOKEN] });
  const rotate = ['keys', 'rotate-encryption', '--app-dir', folder.path];
  const client = httpClient(upstream.url, { headers: { Authorization: TOKEN } });
  let apiKey: string;
  {
    await using gateway = await startGateway({ appDir: folder.path, passphrase: FORMER });
    ({ apiKey } = gateway);
    const id = await gateway.createClient(client);

    const wrong = await asbru(rotate, { ASBRU_ENCRYPTION_KEY: 'wrong', ASBRU_NEW_ENCRYPTION_KEY: NEXT });
    expect([wrong.code, wrong.output]).toEqual([
      1,
      expect.stringContaining('is not the one this database was encrypted'),
    ]);
    const without = await asbru(rotate, { ASBRU_ENCRYPTION_KEY: FORMER });
    expect([without.code, without.output]).toEqual([1, expect.stringContaining('give the new passphrase')]);
    expect((await gateway.update(id, { tool_execution_timeout: 20 })).status).toBe(200);

    const done = await asbru(rotate, { ASBRU_ENCRYPTION_KEY: FORMER, ASBRU_NEW_ENCRYPTION_KEY: NEXT });
    expect([done.code, done.output]).toEqual([0, expect.stringMatching(/^\d+ values are encrypted with the new key/)]);
    expect((await gateway.execute('c1-echo', { text: 'a' })).status).toBe(200);
    for (const refused of [
      await gateway.update(id, { tool_execution_timeout: 21 }),
      await gateway.api('PUT', '/api/config', { client_config: { log_retention_days: 3 } }),
      await gateway.api('POST', '/api/governance/virtual-keys', { name: 'k' }),
    ]) {
      expect(refused.status).toBe(503);
      expect(messageIn(refused)).toMatch(/rotated.*restart/);
    }
  }
  await expect(startGateway({ appDir: folder.path, passphrase: FORMER, apiKey })).rejects.toThrow('is not the one');
  await using again = await startGateway({ appDir: folder.path, passphrase: NEXT, apiKey });
  await again.ready;
  expect((await again.execute('c1-echo', { text: 'a' })).status).toBe(200);
  const { body } = await again.api('GET', '/api/audit-logs?action=rotate');
  expect(body['audit_logs']).toMatchObject([{ actor: 'command-line', entity_id: 'encryption' }]);
  const verdict = await asbru(['audit', 'verify', '--app-dir', folder.path], { ASBRU_ENCRYPTION_KEY: NEXT });
  expect([verdict.code, verdict.output]).toEqual([0, expect.stringContaining('intact')]);
  for (const file of await readdir(folder.path)) {
    expect(await readFile(join(folder.path, file), 'latin1'), file).not.toContain('canary');
  }
});

test('the key may move from a file to a passphrase and back', async () => {
  await using folder = await temporaryFolder();
  await using upstream = await startUpstream({ requiredHeader: ['Authorization', TOKEN] });
  const rotate = ['keys', 'rotate-encryption', '--app-dir', folder.path];
  let apiKey: string;
  {
    await using gateway = await startGateway({ appDir: folder.path });
    ({ apiKey } = gateway);
    await gateway.createClient(httpClient(upstream.url, { headers: { Authorization: TOKEN } }));
  }
  expect((await asbru(rotate)).code).toBe(0);
  const file = join(folder.path, 'next');
  await writeFile(file, `${NEXT}\n`);
  expect((await asbru([...rotate, '--new-passphrase-file', file])).code).toBe(0);
  expect((await asbru(rotate)).output).toContain('was encrypted with a passphrase and none was given');
  expect((await asbru([...rotate, '--to-key-file'], { ASBRU_ENCRYPTION_KEY: NEXT })).code).toBe(0);
  await using again = await startGateway({ appDir: folder.path, apiKey });
  await again.ready;
  expect((await again.execute('c1-echo', { text: 'a' })).status).toBe(200);
});

test('a gateway on the same PostgreSQL hears of it at once', async () => {
  await using folder = await temporaryFolder();
  const config = { config_store: { type: 'postgres', config: { url: await newPostgresUrl() } } };
  const path = join(folder.path, 'config.json');
  await writeFile(path, JSON.stringify(config));
  const errors: unknown[] = [];
  const { createLogger } = await import('../lib/logger.ts');
  const logger = createLogger({ level: 'error', style: 'json', stream: { write: (line) => void errors.push(line) } });
  await using gateway = await startGateway({ appDir: folder.path, configFile: path, passphrase: FORMER, logger });
  const rotate = ['keys', 'rotate-encryption', '--app-dir', folder.path, '--config', path];
  const done = await asbru(rotate, { ASBRU_ENCRYPTION_KEY: FORMER, ASBRU_NEW_ENCRYPTION_KEY: NEXT });
  expect(done.code, done.output).toBe(0);
  await expect.poll(() => errors.join('')).toMatch(/rotated while this gateway ran/);
  expect((await gateway.api('POST', '/api/governance/virtual-keys', { name: 'k' })).status).toBe(503);
});
