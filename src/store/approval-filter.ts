import type { SelectQueryBuilder } from 'kysely';
import type { ApprovalStatus } from '../contract/approval.ts';
import type { Tables } from './schema.ts';

/** Which approvals to list; an absent member lets all through. */
export interface ApprovalFilter {
  readonly status?: readonly ApprovalStatus[] | undefined;
  readonly mcp_client_id?: readonly string[] | undefined;
  readonly principal?: readonly string[] | undefined;
}

/** Puts a filter on a query. Whether something has expired is a matter of the clock, not of what is stored. */
export function filterApprovals<T>(
  query: SelectQueryBuilder<Tables, 'mcp_approvals', T>,
  { status, mcp_client_id, principal }: ApprovalFilter,
  now: number,
): SelectQueryBuilder<Tables, 'mcp_approvals', T> {
  let filtered = query;
  if (mcp_client_id !== undefined && mcp_client_id.length > 0)
    filtered = filtered.where('client_id', 'in', mcp_client_id);
  if (principal !== undefined && principal.length > 0) filtered = filtered.where('principal', 'in', principal);
  if (status === undefined || status.length === 0) return filtered;
  return filtered.where(({ and, or, eb }) =>
    or(
      status.map((each) => {
        if (each === 'expired') return and([eb('status', 'in', ['pending', 'approved']), eb('expires_at', '<=', now)]);
        const isStatus = eb('status', '=', each);
        return each === 'pending' || each === 'approved' ? and([isStatus, eb('expires_at', '>', now)]) : isStatus;
      }),
    ),
  );
}
