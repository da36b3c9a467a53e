import { expect, test } from 'vitest';
import { openGovernance } from '../../test/kit/governance.ts';
import { freeLocks } from '../../test/kit/locks.ts';
import { startExpiry } from './expiry.ts';

test('expired keys are deleted where they or the settings say so', async () => {
  await using scene = await openGovernance();
  const past = Date.now() - 1;
  for (const [name, delete_after_expire, expires_at] of [
    ['says so', true, past],
    ['says no', false, past],
    ['says nothing', null, past],
    ['lives on', true, past + 1e9],
    ['lives for ever', true, undefined],
  ] as const) {
    const body = { name, delete_after_expire, mcp_configs: [{ mcp_client_name: 'wiki' }] };
    const { id } = await scene.write('POST', '/virtual-keys', body);
    const key = await scene.stores.keys.find(id as string);
    if (key !== undefined) await scene.stores.keys.update({ ...key, expires_at });
  }
  const names = async () => (await scene.stores.keys.list()).map(({ name }) => name);
  const lines: string[] = [];
  scene.published.length = 0;
  const logger = {
    info: (line: string) => void lines.push(line),
    error: (_: object, line: string) => void lines.push(line),
  };
  const expiry = startExpiry({ dialect: freeLocks, keys: scene.directory.keys, logger });
  await expiry.run();
  expect(await names()).toEqual(['says no', 'says nothing', 'lives on', 'lives for ever']);
  expect(scene.published).toEqual([expect.stringMatching(/^virtual_keys /) as string]);

  scene.settings.delete_expired_virtual_keys = true;
  await expiry.run();
  expect(await names()).toEqual(['says no', 'lives on', 'lives for ever']);
  await expiry.stop();
  const { audit_logs } = await scene.audit.list({ action: ['delete'] }, { limit: 10, offset: 0 });
  expect(audit_logs).toMatchObject(
    ['says nothing', 'says so'].map((entity_name) => ({ entity_name, actor: 'gateway', request: null, after: null })),
  );
  expect(lines).toEqual(['1 expired virtual key was deleted', '1 expired virtual key was deleted']);
});

test('a failure is told, and is not the end', async () => {
  const errors: unknown[] = [];
  const logger = { info: () => {}, error: (facts: object) => void errors.push(facts) };
  const keys = { removeExpired: () => Promise.reject(new Error('no database')) };
  const expiry = startExpiry({ dialect: freeLocks, keys, logger });
  await expiry.run();
  await expiry.stop();
  expect(errors).toHaveLength(2);
});
