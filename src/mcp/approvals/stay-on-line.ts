import { asAbortSignal, type CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { ApprovalStore, StoredApproval } from '../../store/approvals.ts';
import type { CallerHeaders } from '../relay/forwarded-headers.ts';
import type { Waiting } from './waiting.ts';

/** How long a call may wait for the decision on the line, in seconds. */
export const WAIT_HEADER = 'x-asbru-approval-wait';
const MAX_WAIT = 300;

/** The moment (of `performance.now()`) until which a request with these headers stays on the line, if it begins to wait now. */
export function waitsUntil(headers: CallerHeaders): number {
  return performance.now() + readWait(headers[WAIT_HEADER]) * 1_000;
}

/** Returns when the approval waits no more, or at that moment. Throws when the caller gives up. */
export type StayOnLine = (
  approval: Pick<StoredApproval, 'id' | 'expires_at'>,
  until: number,
  signal: CallSignal,
) => Promise<void>;

export function createStayOnLine(store: Pick<ApprovalStore, 'find'>, waiting: Waiting): StayOnLine {
  return async ({ id, expires_at }, until, signal) => {
    // The clock on the wall may be set back meanwhile.
    const end = Math.min(until, performance.now() + expires_at - Date.now());
    const done = new AbortController();
    const either = AbortSignal.any([asAbortSignal(signal), done.signal]);
    try {
      for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
        const changed = waiting.forChange(id, left, either);
        changed.catch(() => undefined); // seen below, if it is still of interest then
        // Looked at only when nothing can be missed any more.
        if ((await store.find(id, Date.now()))?.status !== 'pending') return;
        await changed;
      }
    } finally {
      done.abort();
    }
  };
}

function readWait(header: CallerHeaders[string]): number {
  if (header === undefined || header === '') return 0;
  if (typeof header === 'string' && /^\d{1,6}$/.test(header)) return Math.min(Number(header), MAX_WAIT);
  throw new GatewayError('invalid_request', `${WAIT_HEADER}: must be a whole number of seconds, at most ${MAX_WAIT}`);
}
