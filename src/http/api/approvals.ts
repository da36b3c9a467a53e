import { z } from 'zod';
import { Approval, ApprovalDecision, ApprovalList, ApprovalStatus } from '../../contract/approval.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Decisions, Verdict } from '../../mcp/approvals/decisions.ts';
import { commaList, wholeNumber } from '../query.ts';
import { route, type Route } from '../route.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

const ApprovalQuery = z.object({
  status: commaList('Comma list.', ApprovalStatus.options),
  mcp_client_id: commaList('Comma list of ids of servers.'),
  principal: commaList('Comma list of who called, such as virtual-key:….'),
  limit: wholeNumber(`Entries per page, 1 to ${MAX_LIMIT}; default ${DEFAULT_LIMIT}.`),
  offset: wholeNumber('Entries to skip.'),
});

/** `/api/mcp/approvals`: calls that wait for somebody to say yes or no. */
export function approvalRoutes(approvals: Decisions): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/mcp/approvals',
      summary: 'List the approvals',
      description:
        'Calls of tools in tools_to_approve that wait for a decision, and what became of the others. Newest first.',
      scope: 'read',
      query: ApprovalQuery,
      response: ApprovalList,
      async handle({ query: { limit, offset = 0, ...filter } }) {
        const page = { limit: Math.min(Math.max(limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT), offset };
        const { approvals: rows, total_count } = await approvals.list(filter, page);
        return { approvals: rows, count: rows.length, total_count, ...page };
      },
    }),
    route({
      method: 'get',
      path: '/api/mcp/approvals/{id}',
      summary: 'Get an approval',
      scope: 'read',
      response: Approval,
      handle: ({ params }) => approvals.get(params.id),
    }),
    decision(approvals, 'approved', {
      path: '/api/mcp/approvals/{id}/approve',
      summary: 'Approve a call',
      description:
        'The same call, sent again by the same caller in time, runs once. Not by who made it, unless approval_by of the server is caller.',
    }),
    decision(approvals, 'denied', {
      path: '/api/mcp/approvals/{id}/deny',
      summary: 'Deny a call',
      description: 'Also takes back an approval that was not used yet.',
    }),
  ];
}

interface Words {
  readonly path: '/api/mcp/approvals/{id}/approve' | '/api/mcp/approvals/{id}/deny';
  readonly summary: string;
  readonly description: string;
}

function decision(approvals: Decisions, verdict: Verdict, words: Words): Route {
  return route({
    method: 'post',
    ...words,
    scope: 'write',
    body: ApprovalDecision.optional(),
    response: Approval,
    handle({ params, body, caller, actor }) {
      if (caller === undefined) throw new GatewayError('unauthorized', 'a credential is missing');
      return approvals.decide(params.id, verdict, { caller, actor, via: 'api', note: body?.note ?? undefined });
    },
  });
}
