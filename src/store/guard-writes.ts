import type { Database } from './database.ts';
import { SEAL, type OpenedEncryption } from './encryption-key.ts';
import { isSameSeal, keyChanged } from './reencrypt.ts';
import type { Executor } from './schema.ts';

/**
 * The database, but no transaction of it runs after its key was rotated by somebody else: what would be encrypted with the former
 * key, nobody could read. A rotation waits for the transactions that have looked already.
 */
export function guardWrites(database: Database, { seal }: Pick<OpenedEncryption, 'seal'>): Database {
  return {
    ...database,
    transaction: (run) =>
      database.transaction(async (tx) => {
        await checkSeal(tx, database, seal);
        return run(tx);
      }),
  };
}

/** Throws `encryption_key_changed` when the key was rotated since it was opened. */
export async function checkSeal(
  db: Executor,
  { dialect }: Pick<Database, 'dialect'>,
  seal: OpenedEncryption['seal'],
): Promise<void> {
  const query = db.selectFrom('settings').select('value').where('key', '=', SEAL);
  const isShared = dialect.type === 'postgres' && db.isTransaction; // SQLite has one writer anyway
  const row = await (isShared ? query.forShare() : query).executeTakeFirst();
  if (!isSameSeal(row?.value, seal)) throw keyChanged();
}
