import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { openLedgerStore } from '../../src/store/ledger/open-ledger-store.ts';
import { createLedger } from '../../src/telemetry/ledger.ts';
import { callEnd, callStart } from './call.ts';

// Takes down calls until it is killed, each with a row and a charge of 1; says what is stored and how many calls there were.
const store = await openLedgerStore({ type: 'sqlite', path: process.argv[2] ?? '' });
const ledger = createLedger({
  store,
  onError: (error) => {
    throw error;
  },
});
let calls = 0;
ledger.onCounters(([state]) => writeSync(1, `stored ${state?.used ?? 0}\n`));
for (;;) {
  for (let index = 0; index < 20; index += 1) {
    calls += 1;
    const entry = ledger.begin(callStart({ id: `${process.pid}-${calls}`, timestamp: Date.now() }));
    ledger.charge({ counter_id: 'budget', window_start: 1, amount: 1 });
    entry.end(callEnd({ cost: 1 }));
  }
  writeSync(1, `called ${calls}\n`);
  await setTimeout(4);
}
