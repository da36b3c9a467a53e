// Loaded into a gateway under test before anything else, in every thread: its clock can be moved, and it says what is left
// when its garbage is collected.
import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const POLL_MS = 50;
const RealDate = Date;
const file = process.env.ASBRU_TEST_CLOCK;
let shift = 0;

/** The clock of this process as if somebody had set it: timers go by another clock, which nobody can set. */
class ShiftedDate extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [RealDate.now() + shift] : given));
  }
  static now() {
    return RealDate.now() + shift;
  }
}

if (file !== undefined) {
  globalThis.Date = ShiftedDate;
  setInterval(() => (shift = Number(readFileSync(file, 'utf8'))), POLL_MS).unref();
}

if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    writeFileSync(`${file}.heap`, String(heapUsed + external));
  });
}
