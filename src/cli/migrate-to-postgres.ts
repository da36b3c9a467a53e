import { GatewayError } from '../lib/errors.ts';
import { openSeal } from '../store/encryption-key.ts';
import { keyFilePath } from '../store/key-file.ts';
import { bringIn } from '../store/portable/bring-in.ts';
import type { Counts } from '../store/portable/entries.ts';
import { openSnapshot } from '../store/portable/snapshot.ts';
import { headerOf } from './backup.ts';
import type { DatabaseFlags } from './open-existing.ts';
import { countOf, findPlaces, runCommand, type GatewayPlaces } from './places.ts';
import { recordRestore } from './restore.ts';

/** The flags of `asbru migrate-to-postgres`. */
export interface MigrateToPostgresFlags extends DatabaseFlags {
  /** URL of a PostgreSQL database, or `env.NAME`. */
  readonly to: string;
  /** False with --no-logs. */
  readonly logs: boolean;
}

/** `asbru migrate-to-postgres --to <url>`: copies a SQLite gateway, which may be running, into an empty PostgreSQL. */
export function migrateToPostgres(flags: MigrateToPostgresFlags): Promise<void> {
  return runCommand('migrate to PostgreSQL', async () => {
    const places = await findPlaces(flags);
    if (places.config.type !== 'sqlite') {
      throw new GatewayError('invalid_request', 'the configuration is in PostgreSQL already');
    }
    const target = { type: 'postgres', config: { url: flags.to } } as const;
    const startedAt = new Date();
    await using snapshot = await openSnapshot(places);
    if (snapshot.seal !== undefined) await openSeal(snapshot.seal, places);
    const header = headerOf(snapshot, flags.logs);
    const counts = await bringIn({
      to: { config: target, ledger: target },
      header,
      entries: snapshot.read({ hasLogs: flags.logs }),
      isForced: false,
      finish: recordRestore(places, { from: 'sqlite', to: 'postgres' }),
    });
    process.stdout.write(`${tableOf(counts)}\n${whatNow(flags.to, places, startedAt, snapshot.seal?.source)}\n`);
  });
}

function tableOf(counts: Counts): string {
  const width = Math.max(...Object.keys(counts).map((name) => name.length));
  const lines = Object.entries(counts).map(([name, rows]) => `  ${name.padEnd(width)}  ${rows.toLocaleString('en')}`);
  const total = Object.values(counts).reduce((sum, rows) => sum + rows, 0);
  return `${countOf(total, 'row')} copied, counted on both sides:\n${lines.join('\n')}\n`;
}

function whatNow(to: string, { appDir }: GatewayPlaces, since: Date, source: string | undefined): string {
  const url = to.startsWith('env.') || to.startsWith('file.') ? to : 'env.ASBRU_DATABASE_URL';
  const config = {
    config_store: { enabled: true, type: 'postgres', config: { url } },
    logs_store: { enabled: true, type: 'postgres' },
  };
  const key =
    source === 'passphrase'
      ? 'Every node needs the same passphrase as before.'
      : `Every node needs a copy of ${keyFilePath(appDir)}, as the secrets stay encrypted with it.`;
  return [
    `What a running gateway changed or logged since ${since.toISOString()} is not in it: if there was something, empty the`,
    'target and copy again with the gateway stopped. The SQLite files are as they were.',
    '',
    `Put this into config.json${url === to ? '' : `, set ASBRU_DATABASE_URL to that URL`}, and start the gateway again:`,
    JSON.stringify(config, undefined, 2),
    key,
  ].join('\n');
}
