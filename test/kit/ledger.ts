import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { createExchange } from '../../src/store/exchange.ts';
import type { DatabaseOptions } from '../../src/store/database.ts';
import type { LedgerStore } from '../../src/store/ledger/ledger-store.ts';
import { openLedgerStore } from '../../src/store/ledger/open-ledger-store.ts';
import { newPostgresUrl } from './databases.ts';
import type { SHARED } from './shared.ts';
import { joinExchange } from './siblings.ts';
import { temporaryFolder } from './temporary-folder.ts';

export { callEnd, callStart, llmEnd, llmStart, tokenUsage } from './call.ts';

/** The places that every test of the ledger runs on; a file is the same as memory, but in threads. */
export const LEDGERS = ['memory', 'postgres'] as const;

export interface TestLedgerStore extends LedgerStore, AsyncDisposable {
  /** The file, if there is one. */
  readonly path: string;
}

/** Opens an empty ledger store; `await using` closes it. */
export async function openTestLedger(place: (typeof LEDGERS)[number] | 'file'): Promise<TestLedgerStore> {
  const folder = place === 'file' ? await mkdtemp(join(tmpdir(), 'asbru-ledger-')) : undefined;
  const path = folder === undefined ? ':memory:' : join(folder, 'logs.db');
  const store = await openLedgerStore(
    place === 'postgres'
      ? { type: 'postgres', config: { url: await newPostgresUrl(), max_open_conns: 3 } }
      : { type: 'sqlite', path },
  );
  return Object.assign(store, {
    path,
    async [Symbol.asyncDispose]() {
      await store.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  });
}

/** An empty ledger that several processes write to. */
export interface SharedLedger extends AsyncDisposable {
  /** Opens it as another process; closed with the whole. */
  open(): Promise<LedgerStore>;
  /** Looks behind it. The two databases must understand the statement alike. */
  query(text: string): Promise<unknown[]>;
}

/** Makes one. */
export async function openSharedLedger(type: (typeof SHARED)[number]): Promise<SharedLedger> {
  const stack = new AsyncDisposableStack();
  const open = async (options: DatabaseOptions): Promise<LedgerStore> => {
    const store = await openLedgerStore(options);
    stack.defer(() => store.close());
    return store;
  };
  if (type === 'postgres') {
    const url = await newPostgresUrl();
    const client = new Client(url);
    await client.connect();
    stack.defer(() => client.end());
    return {
      open: () => open({ type, config: { url, max_open_conns: 2 } }),
      query: async (text) => (await client.query<Record<string, unknown>>(text)).rows,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }
  const path = join(stack.use(await temporaryFolder()).path, 'logs.db');
  const exchange = createExchange();
  return {
    open: () => open({ type: 'sqlite', path, siblings: joinExchange(exchange) }),
    async query(text) {
      using database = new DatabaseSync(path, { timeout: 5000 });
      return database.prepare(text).all();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** For errors that must not come. */
export function unexpected(error: unknown): never {
  throw error;
}
