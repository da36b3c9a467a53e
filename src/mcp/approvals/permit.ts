import { createHash } from 'node:crypto';
import { GatewayError, type ErrorCode } from '../../lib/errors.ts';
import type { Reply } from '../../lib/json-rpc.ts';
import type { ApprovalStore } from '../../store/approvals.ts';
import { questionsOf } from '../relay/questions.ts';

/** Failures after which it is certain that the server ran nothing. */
const RAN_NOTHING: ReadonlySet<ErrorCode> = new Set([
  'upstream_unreachable',
  'upstream_session_expired',
  'mcp_auth_required',
  'header_mismatch',
]);

interface Used {
  readonly id: string;
  readonly binding: string;
  /** False for the rest of a call that used it before. */
  readonly isBeginning: boolean;
}

/** Runs a call whose approval was just used up, and keeps the approval where that is right. */
export async function runApproved(
  call: () => Promise<Reply>,
  { id, binding, isBeginning }: Used,
  { store, onError }: { readonly store: ApprovalStore; readonly onError: (error: unknown) => void },
): Promise<Reply> {
  let reply;
  try {
    reply = await call();
  } catch (error) {
    const isUnused = isBeginning && error instanceof GatewayError && RAN_NOTHING.has(error.code);
    if (isUnused) await store.giveBack(id, binding).catch(onError);
    throw error;
  }
  // The server wants to know something first: the same call comes again with the answer, and needs no second yes.
  const state = questionsOf(reply)?.requestState;
  if (typeof state === 'string') await store.letContinue(id, digestOf(state)).catch(onError);
  return reply;
}

/** How a state is looked up. It is sealed and random, so a plain hash tells nothing. */
export function digestOf(state: string): string {
  return createHash('sha256').update(state).digest('hex');
}
