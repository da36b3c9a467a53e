import type { ApprovalNotice } from '../../contract/approval.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { StoredApproval } from '../../store/approvals.ts';

/** The call waits for a person. `base` is the public address of the gateway, or nothing. */
export function approvalRequired(waiting: StoredApproval, base: string): GatewayError {
  const approval = noticeOf(waiting, 'pending', base);
  const message = `The call of "${waiting.tool}" of ${waiting.client_name} needs approval ${waiting.id}, until ${approval.expires_at}. Once it is approved, send the same call again: it runs once.`;
  return new GatewayError('approval_required', message, { details: { approval } });
}

/** Calls that code made wait for a person, and the run with them. For those who cannot go on with it themselves. */
export function runWaits(approvals: readonly ApprovalNotice[], continuation: string): GatewayError {
  const calls = approvals.map(({ tool, mcp_client_name, id }) => `"${tool}" of ${mcp_client_name} (approval ${id})`);
  const until = approvals[0]?.expires_at;
  const message = `The code waits for approval of ${calls.join(', ')}, until ${until}. Once that is decided, call executeToolCode again with the continuation "${continuation}": it goes on where it stopped.`;
  return new GatewayError('approval_required', message, {
    details: { approval: approvals[0], approvals, continuation },
  });
}

/** A person said no. */
export function approvalDenied(denied: StoredApproval, base: string): GatewayError {
  const approval = noticeOf(denied, 'denied', base);
  const why = approval.note === undefined ? '' : `: ${approval.note}`;
  const message = `The call of "${denied.tool}" of ${denied.client_name} was denied${why}`;
  return new GatewayError('approval_denied', message, { details: { approval } });
}

/** What a call waits for, if that is what was thrown: for those who interrupt a run of theirs and take it up again later. */
export function approvalIn(error: unknown): ApprovalNotice | undefined {
  if (!(error instanceof GatewayError) || error.code !== 'approval_required') return undefined;
  return error.details?.approval as ApprovalNotice | undefined; // only the functions above make one
}

function noticeOf(stored: StoredApproval, status: ApprovalNotice['status'], base: string): ApprovalNotice {
  const { id, client_name, tool, expires_at, decision } = stored;
  return {
    id,
    status,
    mcp_client_name: client_name,
    tool,
    expires_at: new Date(expires_at).toISOString(),
    decide_at: `${base.replace(/\/+$/, '')}/api/mcp/approvals/${id}`,
    ...(decision?.note === undefined ? {} : { note: decision.note }),
  };
}
