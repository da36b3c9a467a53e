import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A migration with a way back: whoever goes back to an earlier version must be able to take its tables along. */
export type ReversibleMigration = Required<Migration>;

/** Drops tables, in this order. Indexes and triggers go with them. */
export async function dropTables({ schema }: Pick<Kysely<unknown>, 'schema'>, ...names: string[]): Promise<void> {
  for (const name of names) await schema.dropTable(name).execute();
}
