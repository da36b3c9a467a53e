import type { Approval } from '../../contract/approval.ts';
import type { ClientSettings } from '../../contract/client-settings.ts';
import { describeChange, type Actor } from '../../governance/audit.ts';
import type { Caller } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { ApprovalFilter } from '../../store/approval-filter.ts';
import type { ApprovalStore, Decision, StoredApproval } from '../../store/approvals.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { McpClient } from '../../store/mcp-clients.ts';

export interface DecisionDeps {
  readonly store: ApprovalStore;
  readonly database: Pick<Database, 'transaction'>;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly changes: Pick<Changes, 'publish'>;
  readonly settings: () => Pick<ClientSettings, 'approval_ttl'>;
  /** The record of a server as it is now; undefined when it is not registered any more. */
  readonly clientOf: (client_id: string) => McpClient | undefined;
}

/** Yes or no. */
export type Verdict = 'approved' | 'denied';

/** Who says it, and how. */
export interface Decider {
  readonly caller: Caller;
  readonly actor: Actor;
  readonly via: Decision['via'];
  readonly note?: string | undefined;
}

/** What waits for approval, for those who decide. */
export interface Decisions {
  list(
    filter: ApprovalFilter,
    page: { limit: number; offset: number },
  ): Promise<{ approvals: Approval[]; total_count: number }>;
  /** Throws `not_found`. */
  get(id: string): Promise<Approval>;
  /** Throws `not_found`, `forbidden` to who may not approve this one, and `conflict` when it is too late. */
  decide(id: string, verdict: Verdict, decider: Decider): Promise<Approval>;
}

/** Who manages the gateway can take a decision back until the call has run. A caller's own user cannot overrule a no. */
const FROM = {
  api: { approved: ['pending', 'denied'], denied: ['pending', 'approved'] },
  elicitation: { approved: ['pending'], denied: ['pending', 'approved'] },
} as const;

/** Reads and decides approvals. */
export function createDecisions({ store, database, audit, changes, settings, clientOf }: DecisionDeps): Decisions {
  async function find(id: string): Promise<StoredApproval> {
    const found = await store.find(id, Date.now());
    if (found === undefined) throw new GatewayError('not_found', `there is no approval ${id}`);
    return found;
  }

  async function record(
    before: StoredApproval,
    verdict: Verdict,
    { caller, actor, via, note }: Decider,
  ): Promise<void> {
    const now = Date.now();
    const decision = { at: now, by: caller.principal, by_name: caller.name, via, note: note || undefined };
    const expires_at = now + settings().approval_ttl * 1_000;
    await database.transaction(async (tx) => {
      const isDecided = await store.with(tx).decide(before.id, FROM[via][verdict], verdict, decision, expires_at);
      if (!isDecided) throw tooLate((await store.with(tx).find(before.id, now)) ?? before);
      const change = {
        action: verdict === 'approved' ? 'approve' : 'deny',
        entity: 'mcp_approval',
        id: before.id,
        name: `${before.client_name} / ${before.tool}`,
        before: auditView(before),
        after: auditView({ ...before, status: verdict, expires_at, decision }),
      } as const;
      await audit.with(tx).append(describeChange(actor, change));
    });
    await changes.publish('mcp_approvals', before.id);
  }

  return {
    async list(filter, page) {
      const now = Date.now();
      const rows = await store.list(filter, page, now);
      return { approvals: rows.map(approvalView), total_count: await store.count(filter, now) };
    },
    get: async (id) => approvalView(await find(id)),
    async decide(id, verdict, decider) {
      const found = await find(id);
      if (verdict === 'approved') checkMayApprove(found, decider.caller, clientOf(found.client_id));
      await record(found, verdict, decider);
      return approvalView(await find(id));
    },
  };
}

/** Whether who called may also approve. Without the record nobody can tell, so not. */
export function mayApproveOwn(client: Pick<McpClient, 'approval_by'> | undefined): boolean {
  return client?.approval_by === 'caller';
}

function checkMayApprove(
  { principal, client_name }: StoredApproval,
  caller: Caller,
  client: McpClient | undefined,
): void {
  if (client === undefined) throw new GatewayError('conflict', `the server ${client_name} is not registered any more`);
  if (caller.principal !== principal || mayApproveOwn(client)) return;
  throw new GatewayError(
    'forbidden',
    `who made the call may not approve it: somebody else does, or approval_by of ${client_name} is set to "caller"`,
  );
}

function tooLate({ id, status }: StoredApproval): GatewayError {
  return new GatewayError('conflict', `approval ${id} is ${status} already`, { details: { status } });
}

/** An approval as read APIs show it. */
export function approvalView(stored: StoredApproval): Approval {
  const { decision, used_at, app } = stored;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    id: stored.id,
    status: stored.status,
    principal: stored.principal,
    principal_name: stored.principal_name,
    mcp_client_id: stored.client_id,
    mcp_client_name: stored.client_name,
    tool: stored.tool,
    arguments: stored.arguments ?? null,
    arguments_digest: stored.arguments_digest,
    source: stored.source,
    ...(app === undefined ? {} : { app }),
    created_at: time(stored.created_at),
    expires_at: time(stored.expires_at),
    ...(decision && {
      decided_at: time(decision.at),
      decided_by: decision.by,
      decided_by_name: decision.by_name,
      decided_via: decision.via,
      ...(decision.note === undefined ? {} : { note: decision.note }),
    }),
    ...(used_at === undefined ? {} : { used_at: time(used_at) }),
  };
}

/** The audit trail is kept for good, and arguments may hold secrets: their digest says which they were. */
function auditView(stored: StoredApproval): object {
  const { arguments: _, ...view } = approvalView(stored);
  return view;
}
