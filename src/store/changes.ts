import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { backOff } from '../lib/time.ts';
import type { Database } from './database.ts';
import type { Link } from './link.ts';
import { createReceipts, type Receipt } from './receipts.ts';
import { TABLES, type TableName } from './schema.ts';

/** Hears that a row was written; the id `*` means "any row: reload all". May be called again before it has finished. */
export type ChangeListener = (table: TableName, id: string) => void | Promise<void>;

/** Tells every process on this database which rows changed. */
export interface Changes {
  /**
   * Call after the commit. When it returns, the listeners of this process are done, and those of every other process that is
   * known to live, unless one is silent for some seconds: so whoever asks any of them afterwards finds the change.
   */
  publish(table: TableName, id: string): Promise<void>;
  /** Has everything read again: what another process announced, or should have, may not have come here. */
  reloadAll(): Promise<void>;
  /**
   * Gives the function that ends the subscription. Those who come first are done before the others hear of it, and again if they fail:
   * what a change takes away is gone before anything acts on the change.
   */
  subscribe(listener: ChangeListener, options?: { readonly isFirst: boolean }): () => void;
  close(): Promise<void>;
}

interface Notice {
  readonly table: TableName;
  readonly id: string;
  /** The process that wrote. It has told its own listeners already. */
  readonly origin: string;
  /** What to say when it is applied, to the process that waits for it; 0: nobody waits. */
  readonly number: number;
}

interface ChangesOptions {
  /** The name of this process. */
  readonly node?: string;
  /** The names of the other processes that are known to live. */
  readonly others?: () => Iterable<string>;
}

const CHANNEL = 'asbru_changes';
/** Where a process hears that what it announced was applied. */
const receiptsOf = (node: string): string => `asbru_${node}`;

/** In one process a list of listeners; where there are others also a link to them. `onError` hears what nobody can be told. */
export async function createChanges(
  database: Database,
  onError: (error: unknown) => void,
  { node = randomUUID(), others = () => [] }: ChangesOptions = {},
): Promise<Changes> {
  const first = new Set<ChangeListener>();
  const later = new Set<ChangeListener>();
  const receipts = createReceipts();

  /** False when a listener could not apply it. */
  const tell = async (listeners: ReadonlySet<ChangeListener>, table: TableName, id: string): Promise<boolean> => {
    const done = await Promise.allSettled([...listeners].map(async (listener) => listener(table, id)));
    const failed = done.filter((one) => one.status === 'rejected');
    for (const { reason } of failed) onError(reason);
    return failed.length === 0;
  };
  const deliver = async (table: TableName, id: string): Promise<boolean> =>
    (await tell(first, table, id)) && tell(later, table, id);
  /** Changes that could not be applied; `isNews`: announced once more since the latest attempt began. */
  const unapplied = new Map<string, { isNews: boolean; done: Promise<void> }>();
  const keepTrying = async (table: TableName, id: string, change: { isNews: boolean }): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      await sleep(backOff(attempt), undefined, { ref: false });
      change.isNews = false;
      // What was announced during an attempt may have been written after that had read.
      if ((await deliver(table, id)) && !change.isNews) return;
    }
  };
  /** Until it is applied, however long the database does not answer: nothing else would bring it while the link holds. */
  const insist = (table: TableName, id: string): Promise<void> => {
    const key = JSON.stringify([table, id]);
    const known = unapplied.get(key);
    if (known !== undefined) {
      known.isNews = true;
      return known.done;
    }
    const change = { isNews: false, done: Promise.resolve() };
    unapplied.set(key, change);
    change.done = keepTrying(table, id, change).finally(() => unapplied.delete(key));
    return change.done;
  };
  const reloadAll = async (): Promise<void> => {
    const one = async (table: TableName): Promise<void> => {
      if (!(await deliver(table, '*'))) await insist(table, '*');
    };
    await Promise.all(TABLES.map(one));
  };
  const receive = async ({ table, id, origin, number }: Notice): Promise<void> => {
    if (origin === node) return;
    receipts.isHeardOf(origin);
    if (!(await deliver(table, id))) await insist(table, id);
    const receipt: Receipt = { number, node };
    if (number > 0) await link?.send(receiptsOf(origin), receipt);
  };

  const link = await database.dialect.openLink?.({
    hear: {
      [CHANNEL]: (notice) => void receive(notice as Notice).catch(onError),
      [receiptsOf(node)]: (receipt) => receipts.take(receipt as Receipt),
    },
    reloadAll,
    onError,
  });

  /** Of which rows the others have not heard, as nothing could be sent. */
  const unsent = new Map<string, Notice>();
  let sending: Promise<void> | undefined;

  async function sendUnsent(to: Link): Promise<void> {
    for (const [key, notice] of unsent) {
      await to.send(CHANNEL, notice);
      if (unsent.get(key) === notice) unsent.delete(key); // else it was written once more
    }
  }

  async function sendLater(to: Link): Promise<void> {
    for (let attempt = 0; unsent.size > 0; attempt += 1) {
      await sleep(backOff(attempt), undefined, { ref: false });
      await sendUnsent(to).catch(onError);
    }
  }

  async function announce(to: Link, table: TableName, id: string): Promise<void> {
    const applied = receipts.expect(others());
    const notice: Notice = { table, id, origin: node, number: applied.number };
    try {
      await to.send(CHANNEL, notice);
    } catch (error) {
      // The write is done and must not fail, but others who are connected have no other way to hear of it.
      onError(error);
      applied.cancel();
      unsent.set(JSON.stringify([table, id]), { ...notice, number: 0 });
      sending ??= sendLater(to).finally(() => (sending = undefined));
    }
    await applied.all;
  }

  return {
    async publish(table, id) {
      const [isApplied] = await Promise.all([deliver(table, id), link && announce(link, table, id)]);
      if (!isApplied) void insist(table, id);
    },
    reloadAll,
    subscribe(listener, { isFirst } = { isFirst: false }) {
      const listeners = isFirst ? first : later;
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      first.clear();
      later.clear();
      if (link !== undefined) await sendUnsent(link).catch(onError);
      unsent.clear();
      await link?.close();
    },
  };
}
