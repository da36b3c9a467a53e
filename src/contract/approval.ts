import { z } from 'zod';

/** Where a call that wants approval stands. */
export const ApprovalStatus = z.enum(['pending', 'approved', 'denied', 'used', 'expired']);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

/** A call that waits, or waited, for a person to say yes. */
export const Approval = z.object({
  id: z.string(),
  status: ApprovalStatus.meta({
    description:
      'approved: it may run, once. used: it ran. expired: nobody decided, or nobody sent the call again, in time.',
  }),
  principal: z.string().meta({ description: 'Who called, such as virtual-key:…: nobody else can use the approval.' }),
  principal_name: z.string(),
  mcp_client_id: z.string(),
  mcp_client_name: z.string(),
  tool: z.string().meta({ description: "The server's own name of the tool." }),
  arguments: z.string().nullable().meta({
    description: 'JSON text, as it would be sent. null when it is over and content is not kept.',
  }),
  arguments_digest: z.string().meta({ description: 'Keyed: the same for the same arguments at this gateway.' }),
  source: z.string().meta({ description: 'Which way the call came: mcp, rest, agent, code.' }),
  app: z.string().optional().meta({ description: 'Name of the client program, as it says itself.' }),
  created_at: z.string(),
  expires_at: z.string(),
  decided_at: z.string().optional(),
  decided_by: z.string().optional().meta({ description: 'The principal of who decided.' }),
  decided_by_name: z.string().optional(),
  decided_via: z.enum(['api', 'elicitation']).optional().meta({
    description: "api: somebody who manages the gateway. elicitation: the caller's own user, asked through its client.",
  }),
  note: z.string().optional(),
  used_at: z.string().optional(),
});
export type Approval = z.infer<typeof Approval>;

/** Answer of `GET /api/mcp/approvals`. */
export const ApprovalList = z.object({
  approvals: z.array(Approval),
  count: z.int(),
  total_count: z.int(),
  limit: z.int(),
  offset: z.int(),
});
export type ApprovalList = z.infer<typeof ApprovalList>;

/** Body of a decision; it may be left out. */
export const ApprovalDecision = z.looseObject({
  note: z
    .string()
    .max(1000, 'must be at most 1000 characters')
    .nullish()
    .meta({ description: 'Why. It is recorded, and a caller who is denied reads it.' }),
});
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

/** What waits for whom, in the details of `approval_required` and `approval_denied`. */
export const ApprovalNotice = z.object({
  id: z.string(),
  status: z.enum(['pending', 'denied']),
  mcp_client_name: z.string(),
  tool: z.string(),
  expires_at: z.string(),
  decide_at: z
    .string()
    .meta({ description: 'Under this address are /approve and /deny, for whoever manages the gateway.' }),
  note: z.string().optional().meta({ description: 'What was said when it was denied.' }),
});
export type ApprovalNotice = z.infer<typeof ApprovalNotice>;
