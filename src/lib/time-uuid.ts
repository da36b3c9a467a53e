import { randomUUID } from 'node:crypto';

let lastTime = -1;
let head = '';
let tail = '';
let count = 0;

/** What 12 bits can count. */
const MAX_COUNT = 0xfff;

/**
 * A UUID of version 7 (RFC 9562, method 1): first the time in epoch milliseconds, then a count within it, then 62 random bits.
 * In an index those of one moment lie side by side and in their order, where random ones would touch a page each.
 */
export function timeUuid(now = Date.now()): string {
  // By hand, as early versions of Node 24 have no randomUUIDv7.
  count += 1;
  if (now !== lastTime || count > MAX_COUNT) {
    lastTime = now;
    count = 0;
    const time = now.toString(16).padStart(12, '0');
    head = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    tail = randomUUID().slice('xxxxxxxx-xxxx-4xxx'.length);
  }
  return head + count.toString(16).padStart(3, '0') + tail;
}
