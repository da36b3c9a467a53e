import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callEnd, callStart, openTestLedger } from '../../../test/kit/ledger.ts';
import { joinExchange } from '../../../test/kit/siblings.ts';
import { temporaryFolder } from '../../../test/kit/temporary-folder.ts';
import { createExchange } from '../exchange.ts';
import { openLedgerStore } from './open-ledger-store.ts';
import { createWorkerLink } from './worker-link.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'asbru-ledger-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The 19th field of stat, and the 17th behind the name (proc_pid_stat(5)). */
const NICE = 16;
const CHARGES = [{ counter_id: 'b', window_start: 1, amount: 2 }];
const LAST = { limit: 1, offset: 0, sort_by: 'timestamp', order: 'desc', preview: 9 } as const;
const dying = new URL('../../../test/kit/dying-worker.mjs', import.meta.url);

test('a file is written by one thread and read by another, which sees what was written', async () => {
  await using store = await openTestLedger('file');
  const completed = [{ start: callStart({ id: 'a', arguments: '{}' }), end: callEnd({ cost: 7 }) }];
  const batch = { node: 'n', seq: 1, started: [], ended: [], completed, charges: CHARGES };
  expect(await store.write(batch)).toEqual([{ counter_id: 'b', window_start: 1, used: 2 }]);
  expect(await store.list({}, LAST)).toMatchObject({
    logs: [{ id: 'a', arguments: '{}' }],
    sums: { count: 1, cost: 7 },
  });
  expect(await store.removeLogs(['a'])).toBe(1);
  expect(await store.list({}, LAST)).toMatchObject({ logs: [], hasLogs: false });

  // What a thread throws comes back to the caller, and the thread goes on.
  await expect(store.write({ ...batch, seq: {} as number })).rejects.toThrow();
  expect(await store.loadCounters()).toHaveLength(1);
});

test.runIf(process.platform === 'linux')('its threads give way to those that answer calls', async () => {
  await using store = await openTestLedger('file');
  await store.span(); // only now there is one that reads
  const niceOf = async (thread: string): Promise<number | undefined> => {
    const stat = await readFile(`/proc/self/task/${thread}/stat`, 'latin1').catch(() => '');
    return stat.includes('(ledger)') ? Number(stat.split(') ')[1]?.split(' ')[NICE]) : undefined;
  };
  const levels = await Promise.all((await readdir('/proc/self/task')).map(niceOf));
  const own = getPriority();
  expect(levels.filter((nice) => nice !== undefined).toSorted((a, b) => a - b)).toEqual([own + 5, own + 10]);
});

test('what is closed is on disk, writes in flight included', async () => {
  const path = join(folder, 'kept.db');
  const store = await openLedgerStore({ type: 'sqlite', path });
  const written = Array.from({ length: 20 }, (_, index) =>
    store.write({ node: 'n', seq: index + 1, started: [], ended: [], completed: [], charges: CHARGES }),
  );
  await store.close();
  expect(await Promise.all(written)).toHaveLength(20);
  await expect(store.span()).rejects.toThrow('closed');

  const again = await openLedgerStore({ type: 'sqlite', path });
  expect(await again.loadCounters(['b'])).toEqual([{ counter_id: 'b', window_start: 1, used: 40 }]);
  await again.close();
});

test('a file that is no database is refused at once, with its name', async () => {
  const path = join(folder, 'text.db');
  await writeFile(path, 'this is not a database, but it is long enough to look like one'.repeat(100));
  await expect(openLedgerStore({ type: 'sqlite', path })).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining(path) as string,
  });
});

test('a dead thread fails the calls it had; the next call starts another', async () => {
  const link = createWorkerLink({ path: '', isReader: false, isShared: false, script: dying });
  const [span, exit] = await Promise.allSettled([link.call('span', []), link.call('total', [])]);
  expect([span.status, exit.status]).toEqual(['rejected', 'rejected']);
  expect(await link.call('span', [])).toBe('alive');
  await expect(link.call('prune', [])).rejects.toMatchObject({ fault: 'place', message: 'out of order' });
  expect(await link.call('span', [])).toBe('alive');
  await link.close();
});

test('a file that another process is writing to takes what waits as soon as it is free', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'busy.db');
  const store = await openLedgerStore({ type: 'sqlite', path, siblings: joinExchange(createExchange()) });
  using other = new DatabaseSync(path);
  other.exec('begin immediate');
  let isWritten = false;
  const batch = { node: 'n', seq: 1, started: [], ended: [], completed: [], charges: CHARGES };
  const writing = store.write(batch).then(() => (isWritten = true));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isWritten).toBe(false);
  other.exec('commit');
  await writing;
  await store.close();
});
