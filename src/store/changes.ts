import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Client } from 'pg';
import type { Database } from './database.ts';
import { TABLES, type TableName } from './schema.ts';

/** Hears that a row was written; the id `*` means "any row: reload all". May be called again before it has finished. */
export type ChangeListener = (table: TableName, id: string) => void | Promise<void>;

/** Tells every process on this database which rows changed. */
export interface Changes {
  /** Call after the commit. When it returns, the listeners of this process are done. */
  publish(table: TableName, id: string): Promise<void>;
  /** Gives the function that ends the subscription. */
  subscribe(listener: ChangeListener): () => void;
  close(): Promise<void>;
}

interface Notice {
  readonly table: TableName;
  readonly id: string;
  /** The process that wrote. It has told its own listeners already. */
  readonly origin: string;
}

const CHANNEL = 'asbru_changes';
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;
const HEARTBEAT_MS = 30_000;

/** In one process a list of listeners; on PostgreSQL also LISTEN and NOTIFY. `onError` hears what nobody can be told. */
export async function createChanges(database: Database, onError: (error: unknown) => void): Promise<Changes> {
  const listeners = new Set<ChangeListener>();
  const origin = randomUUID();

  const deliver = async (table: TableName, id: string): Promise<void> => {
    await Promise.all([...listeners].map(async (listener) => listener(table, id)).map((done) => done.catch(onError)));
  };
  const reloadAll = async (): Promise<void> => {
    await Promise.all(TABLES.map((table) => deliver(table, '*')));
  };
  const receive = ({ table, id, origin: sender }: Notice): void => {
    if (sender !== origin) void deliver(table, id);
  };
  const notify = async (table: TableName, id: string): Promise<void> => {
    const notice = JSON.stringify({ table, id, origin } satisfies Notice);
    await sql`select pg_notify(${CHANNEL}, ${notice})`.execute(database.db);
  };

  const { createListener } = database.dialect;
  const link = createListener === undefined ? undefined : createLink({ createListener, receive, reloadAll, onError });
  await link?.open();
  return {
    async publish(table, id) {
      // A notice that cannot be sent must not fail the write, which is done. The others reload when they reconnect.
      await Promise.all([deliver(table, id), link && notify(table, id).catch(onError)]);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      await link?.close();
    },
  };
}

interface LinkOptions {
  readonly createListener: () => Client;
  readonly receive: (notice: Notice) => void;
  readonly reloadAll: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** A connection that listens, and is made again when it breaks. */
function createLink({ createListener, receive, reloadAll, onError }: LinkOptions) {
  let client: Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;

  const open = async (): Promise<void> => {
    const fresh = createListener();
    client = fresh;
    fresh.on('error', onError);
    fresh.on('notification', ({ payload }) => receive(JSON.parse(payload ?? '') as Notice));
    try {
      await fresh.connect();
      await fresh.query(`listen ${CHANNEL}`);
    } catch (error) {
      end(fresh);
      throw error;
    }
    if (isClosed) return fresh.end();
    // A connection that broke without a word is noticed only by writing to it.
    const heartbeat = setInterval(() => void fresh.query('select 1').catch(() => end(fresh)), HEARTBEAT_MS).unref();
    fresh.once('end', () => {
      clearInterval(heartbeat);
      if (!isClosed) reopenLater(FIRST_RETRY_MS);
    });
  };

  const reopenLater = (delay: number): void => {
    retry = setTimeout(
      () => {
        // Whatever was announced in between is lost, so everything is read again.
        open().then(reloadAll, (error: unknown) => {
          onError(error);
          if (!isClosed) reopenLater(Math.min(delay * 2, LONGEST_RETRY_MS));
        });
      },
      delay * (0.5 + Math.random()),
    );
    retry.unref();
  };

  // Not awaited: the end of a broken connection may never be confirmed.
  const end = (broken: Client): void => void broken.end().catch(() => {});

  return {
    open,
    async close(): Promise<void> {
      isClosed = true;
      clearTimeout(retry);
      await client?.end().catch(() => {});
    },
  };
}
