import { randomUUID } from 'node:crypto';

let lastTime = -1;
let head = '';

/**
 * A UUID of version 7 (RFC 9562): first the time in epoch milliseconds, then 74 random bits. In an index those of one moment lie
 * side by side, where random ones would touch a page each.
 */
export function timeUuid(now = Date.now()): string {
  // By hand, as early versions of Node 24 have no randomUUIDv7.
  if (now !== lastTime) {
    lastTime = now;
    const time = now.toString(16).padStart(12, '0');
    head = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  return head + randomUUID().slice('xxxxxxxx-xxxx-4'.length);
}
