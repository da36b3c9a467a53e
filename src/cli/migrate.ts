import { existsSync } from 'node:fs';
import { GatewayError } from '../lib/errors.ts';
import { VERSION } from '../lib/version.ts';
import type { DatabaseOptions } from '../store/database.ts';
import { goTo, readProgress, type Half } from '../store/go-to.ts';
import { RELEASES } from '../store/releases.ts';
import type { DatabaseFlags } from './open-existing.ts';
import { findPlaces, runCommand, type GatewayPlaces } from './places.ts';

/** The flags of `asbru migrate`. */
export interface MigrateFlags extends DatabaseFlags {
  readonly to?: string;
  readonly list?: boolean;
  readonly force?: boolean;
}

/** `asbru migrate`: brings the databases to this version, or with `--to` to another one. A start does the former by itself. */
export function migrate(flags: MigrateFlags): Promise<void> {
  return runCommand('migrate', async () => {
    const places = await findPlaces(flags);
    if (flags.list === true) return printList(places);
    const release = flags.to === undefined ? undefined : RELEASES[flags.to];
    if (release === undefined && ![undefined, VERSION].includes(flags.to)) {
      const known = Object.keys(RELEASES).join(', ');
      throw new GatewayError(
        'invalid_request',
        `there was no version ${flags.to}; those that can be gone to: ${known}`,
      );
    }
    const moves = halvesOf(places).map((half) => ({ half, options: places[half], name: release?.[half] }));
    const lost = await goTo(moves, flags.force === true);
    if (lost.length > 0) process.stdout.write(`Dropped: ${lost.join(', ')}\n`);
    await printList(places);
    const version = flags.to ?? VERSION;
    process.stdout.write(`The databases are as version ${version} has them.${hintFor(version)}\n`);
  });
}

function hintFor(version: string): string {
  return version === VERSION ? '' : ` Start that one now: ${VERSION} would bring them forward again.`;
}

async function printList(places: GatewayPlaces): Promise<void> {
  for (const half of halvesOf(places)) {
    const { place, steps } = await readProgress(half, places[half]);
    process.stdout.write(`${half === 'config' ? 'configuration' : 'ledger'} (${place})\n`);
    const releases = Object.entries(RELEASES);
    for (const { name, state } of steps) {
      const newest = releases.filter(([, release]) => release[half] === name).map(([version]) => version);
      const note = newest.length === 0 ? '' : `   (newest of ${newest.join(', ')})`;
      process.stdout.write(`  ${MARKS[state]} ${name}${note}\n`);
    }
  }
}

const MARKS = { applied: '+', pending: ' ', unknown: '?' } as const;

/** A ledger that was never opened, or is kept in memory, is none of ours. */
function halvesOf({ config, ledger }: GatewayPlaces): Half[] {
  if (!isThere(config)) throw new GatewayError('invalid_configuration', `there is no database ${pathOf(config)}`);
  return isThere(ledger) ? ['config', 'ledger'] : ['config'];
}

function isThere(options: DatabaseOptions): boolean {
  return options.type === 'postgres' || existsSync(options.path);
}

function pathOf(options: DatabaseOptions): string {
  return options.type === 'postgres' ? '' : options.path;
}
