import type { Kysely } from 'kysely';
import { GatewayError } from '../lib/errors.ts';
import { connect, configMigrations, type DatabaseOptions } from './database.ts';
import { ledgerMigrations } from './ledger/migrate.ts';
import { listApplied, migrateTo, refuseNewer } from './migrate.ts';
import type { AnyTables } from './portable/entries.ts';
import { CONFIG_TABLES, LOG_TABLES, USAGE_TABLES } from './portable/tables.ts';

/** The two databases of a gateway, which may be one. */
const HALVES = {
  config: { migrationsOf: configMigrations, tables: CONFIG_TABLES },
  ledger: { migrationsOf: ledgerMigrations, tables: [...USAGE_TABLES, ...LOG_TABLES] },
} as const;
export type Half = keyof typeof HALVES;

/** How far a database has come. */
export interface Progress {
  readonly place: string;
  /** Every migration that the program knows, and whether the database has it; then those that only the database knows. */
  readonly steps: readonly { readonly name: string; readonly state: 'applied' | 'pending' | 'unknown' }[];
}

/** Says which migrations a database has gone through. Changes nothing. */
export async function readProgress(half: Half, options: DatabaseOptions): Promise<Progress> {
  const { db, dialect } = await connect<AnyTables>(options);
  try {
    const set = HALVES[half].migrationsOf(dialect);
    const applied = new Set(await listApplied(db, set));
    const known = Object.keys(set.migrations).toSorted();
    const unknown = [...applied].filter((name) => !known.includes(name));
    return {
      place: dialect.place,
      steps: [
        ...known.map((name) => ({ name, state: applied.has(name) ? ('applied' as const) : ('pending' as const) })),
        ...unknown.map((name) => ({ name, state: 'unknown' as const })),
      ],
    };
  } finally {
    await db.destroy();
  }
}

/** A database and where to take it. */
export interface Move {
  readonly half: Half;
  readonly options: DatabaseOptions;
  /** The last migration to have; undefined: all that are known. */
  readonly name: string | undefined;
}

interface Moved extends AsyncDisposable {
  readonly lost: readonly string[];
  commit(): Promise<void>;
}

/**
 * Brings databases that no gateway uses to a migration, forwards or back, all of them or none. What an earlier version has no place
 * for goes only if that `isForced`. Says what was lost, as `table.column`.
 */
export async function goTo(moves: readonly Move[], isForced: boolean): Promise<readonly string[]> {
  await using stack = new AsyncDisposableStack();
  const moved: Moved[] = [];
  for (const each of moves) moved.push(stack.use(await move(each)));
  const lost = moved.flatMap((each) => each.lost);
  if (lost.length > 0 && !isForced) {
    throw refuse(`that version has no place for what is in ${lost.join(', ')}; back up, then --force drops it`);
  }
  for (const each of moved) await each.commit();
  return lost;
}

async function move({ half, options, name }: Move): Promise<Moved> {
  await using stack = new AsyncDisposableStack();
  const { db, dialect } = await connect<AnyTables>(options);
  stack.defer(() => db.destroy());
  const set = HALVES[half].migrationsOf(dialect);
  await refuseNewer(db, set, dialect.place);
  if (!(await dialect.carry.claim(db))) {
    throw refuse(`a gateway is running on the database ${dialect.place}; stop it first`);
  }
  const tx = await db.startTransaction().execute();
  stack.defer(async () => {
    if (!tx.isCommitted && !tx.isRolledBack) await tx.rollback().execute();
  });
  const before = await countValues(tx, HALVES[half].tables);
  await migrateTo(tx, set, name ?? Object.keys(set.migrations).toSorted().at(-1));
  const after = await countValues(tx, HALVES[half].tables);
  const lost = [...before].filter(([place, count]) => count > 0 && !after.has(place)).map(([place]) => place);
  const opened = stack.move();
  return {
    lost,
    commit: () => tx.commit().execute(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** How many rows have a value, by table and column. */
async function countValues(db: Kysely<AnyTables>, names: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { name, columns } of await db.introspection.getTables()) {
    if (!names.includes(name)) continue;
    const row = await db
      .selectFrom(name)
      .select(columns.map((column) => db.fn.count(column.name).as(column.name)))
      .executeTakeFirstOrThrow();
    for (const [column, count] of Object.entries(row)) counts.set(`${name}.${column}`, Number(count));
  }
  return counts;
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_configuration', message);
}
