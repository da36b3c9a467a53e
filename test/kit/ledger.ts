import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerStore } from '../../src/store/ledger/ledger-store.ts';
import { openLedgerStore } from '../../src/store/ledger/open-ledger-store.ts';
import { newPostgresUrl } from './databases.ts';

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

/** For errors that must not come. */
export function unexpected(error: unknown): never {
  throw error;
}
