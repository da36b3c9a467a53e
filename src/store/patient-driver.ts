import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteDriver, type DatabaseConnection, type SqliteDialectConfig } from 'kysely';

/** How long to wait for another process that writes, in milliseconds; then as long as the last time, again and again. */
const PAUSES = [1, 1, 2, 3, 5, 8] as const;
const LONGEST_PAUSE_MS = 10;
/** Nobody writes for so long, unless something is wrong. */
const PATIENCE_MS = 5_000;
const SQLITE_BUSY = 5;

/**
 * For files to which other processes write, too. SQLite by itself would sleep until they are done, and with it everything that
 * this process does; here only what waits for the database waits.
 */
export class PatientDriver extends SqliteDriver {
  readonly #isInTransaction: () => boolean;

  constructor(config: SqliteDialectConfig, isInTransaction: () => boolean) {
    super(config);
    this.#isInTransaction = isInTransaction;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return patient(await super.acquireConnection(), this.#isInTransaction);
  }
}

function patient(connection: DatabaseConnection, isInTransaction: () => boolean): DatabaseConnection {
  return {
    async executeQuery(query) {
      const begun = performance.now();
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await connection.executeQuery(query);
        } catch (error) {
          // A transaction has the file to itself, so what fails within one would fail again.
          if (!isBusy(error) || isInTransaction() || performance.now() - begun > PATIENCE_MS) throw error;
        }
        await sleep(PAUSES[attempt] ?? LONGEST_PAUSE_MS);
      }
    },
    streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
  };
}

/** The driver's error is the cause of the one that dialect.ts makes of it. */
function isBusy(error: unknown): boolean {
  const { errcode } = ((error as Error).cause ?? {}) as { errcode?: unknown };
  return typeof errcode === 'number' && (errcode & 0xff) === SQLITE_BUSY;
}
