import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demandKept } from './demand-kept.ts';

const folder = mkdtempSync(join(tmpdir(), 'asbru-kept-'));
afterAll(() => rmSync(folder, { recursive: true }));

const postgres = { type: 'postgres', config: { url: 'postgres://nobody@127.0.0.1:1/none' } };
const inMemory = { type: 'sqlite', config: { path: ':memory:' } };

function demand(config: object): Promise<void> {
  const configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify(config));
  return demandKept({ appDir: folder, configFile, workers: 2 });
}

test('several workers need databases that outlive a process', async () => {
  await demand({});
  await demand({ config_store: postgres });
  await demand({ config_store: postgres, logs_store: { type: 'sqlite', config: { path: 'logs.db' } } });
  await demandKept({ appDir: folder, configFile: undefined, workers: 2 });
  await expect(demand({ config_store: inMemory })).rejects.toThrow(
    '2 workers (--workers) cannot share a database in memory, as config.json names it in config_store',
  );
  await expect(demand({ config_store: postgres, logs_store: inMemory })).rejects.toThrow('in logs_store');
});
