import { describe, expect, test } from 'vitest';
import { callEnd, callStart, LEDGERS, llmEnd, llmStart, openTestLedger } from '../../../test/kit/ledger.ts';
import type { LedgerBatch } from './batch.ts';

/** More than the statements of runValues take at once, and no multiple of what they take. */
const COUNT = 300;

let seq = 0;

/** Calls and requests to models of these names, each with a content that says whose it is. */
function batchOf(names: readonly string[], note: string): LedgerBatch {
  seq += 1;
  const completed = names.map((id) => ({
    start: callStart({ id, arguments: `${note} ${id}` }),
    end: callEnd({ result: `${note} of ${id}` }),
  }));
  const requests = names.map((id) => ({ start: llmStart({ id, input: `${note} ${id}` }), end: llmEnd() }));
  const llm = { started: [], ended: [], completed: requests };
  return { node: 'n', seq, started: [], ended: [], completed, charges: [], llm };
}

const namesFrom = (first: number) => Array.from({ length: COUNT }, (_, index) => `row-${first + index}`);

describe.each(LEDGERS)('in %s', (place) => {
  test('each row has its own content, also beside rows that were there already', async () => {
    await using store = await openTestLedger(place);
    await store.write(batchOf(namesFrom(0), 'first'));
    await store.removeLogs(['row-298', 'row-299']); // their numbers are not given again
    await store.removeLlmLogs(['row-298', 'row-299']);
    await store.write(batchOf(['row-7', ...namesFrom(290), 'row-400', 'row-8'], 'second'));
    await store.write(batchOf(namesFrom(1000), 'third'));
    for (const [id, note] of [
      ...(['row-0', 'row-7', 'row-8', 'row-127', 'row-128', 'row-297'] as const).map(
        (name) => [name, 'first'] as const,
      ),
      ...(['row-298', 'row-299', 'row-300', 'row-400', 'row-589'] as const).map((name) => [name, 'second'] as const),
      ...(['row-1000', 'row-1127', 'row-1128', 'row-1299'] as const).map((name) => [name, 'third'] as const),
    ]) {
      expect(await store.find(id, 99)).toMatchObject({ arguments: `${note} ${id}`, result: `${note} of ${id}` });
      expect(await store.findLlm(id, 99)).toMatchObject({ input: `${note} ${id}` });
    }
    expect((await store.total({})).count).toBe(590 + COUNT);
    expect((await store.totalLlm({})).count).toBe(590 + COUNT);
  });

  test('a batch with a row that cannot be written leaves nothing, and says why; the next one is written', async () => {
    await using store = await openTestLedger(place);
    const good = batchOf(namesFrom(0), 'good');
    const bad = { start: callStart({ principal: undefined as never }), end: callEnd() }; // there is always one
    const charges = [{ counter_id: 'b', window_start: 1, amount: 5 }];
    await expect(store.write({ ...good, completed: [...good.completed, bad], charges })).rejects.toMatchObject({
      fault: 'data',
      message: expect.stringContaining('principal'),
    });
    expect(await store.total({})).toMatchObject({ count: 0 });
    expect(await store.loadCounters()).toEqual([]);
    await store.write({ ...good, charges });
    expect(await store.total({})).toMatchObject({ count: COUNT });
    expect(await store.loadCounters()).toMatchObject([{ used: 5 }]);
  });
});
