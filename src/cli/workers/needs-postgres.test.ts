import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demandPostgres } from './needs-postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'asbru-needs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const postgres = { type: 'postgres', config: { url: 'postgres://nobody@127.0.0.1:1/none' } };

function demand(config: object): Promise<void> {
  const configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify(config));
  return demandPostgres({ appDir: folder, configFile, workers: 2 });
}

test('several workers need PostgreSQL for configuration and logs', async () => {
  await demand({ config_store: postgres });
  await demand({ config_store: postgres, logs_store: postgres });
  await expect(demand({})).rejects.toThrow(
    '2 workers (--workers) need PostgreSQL, and the config_store of config.json',
  );
  const sqlite = { type: 'sqlite', config: { path: 'logs.db' } };
  await expect(demand({ config_store: postgres, logs_store: sqlite })).rejects.toThrow('and the logs_store of config');
  await expect(demandPostgres({ appDir: folder, configFile: undefined, workers: 2 })).rejects.toThrow('config_store');
});
