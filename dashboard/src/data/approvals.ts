import { queryOptions } from '@tanstack/react-query';
import type { Approval, ApprovalList } from '../../../src/contract/approval.ts';
import { query, request } from '../api.ts';
import { keys } from './keys.ts';

/** The newest calls that wait for somebody, or what became of the others. The live feed says when one begins to wait. */
export const approvalsQuery = (isPending: boolean) =>
  queryOptions({
    queryKey: [...keys.approvals, isPending],
    refetchInterval: 30_000, // one that expires is announced by nobody
    queryFn: () => {
      const status = isPending ? 'pending' : 'approved,denied,used,expired';
      return request<ApprovalList>('GET', `/api/mcp/approvals${query({ status, limit: 200 })}`);
    },
  });

/** Says yes or no to a call. */
export function decideApproval(id: string, verdict: 'approve' | 'deny', note: string): Promise<Approval> {
  const body = note.trim() === '' ? {} : { note };
  return request('POST', `/api/mcp/approvals/${encodeURIComponent(id)}/${verdict}`, body);
}
