import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import type { ApprovalStore, NewApproval, StoredApproval } from '../../store/approvals.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { ClientRequest } from '../client-side.ts';
import type { Bound } from './binding.ts';
import { mayApproveOwn, type DecisionDeps } from './decisions.ts';
import type { Entry } from '../view.ts';

/** Of one caller; more nobody can look through, and a loop would fill the table. */
const MAX_PENDING = 100;
const ATTEMPTS = 5;

interface WaitingCallsDeps extends Pick<DecisionDeps, 'store' | 'database' | 'changes' | 'settings'> {
  /** Whether the arguments may be kept once the call is over. */
  readonly keepsContent: (request: ClientRequest) => boolean;
  readonly onError: (error: unknown) => void;
}

/** Finds what there is for exactly this call (waiting, approved or denied), or lets it begin to wait. */
export type FindOrBegin = (request: ClientRequest, tool: Entry, bound: Bound) => Promise<StoredApproval>;

export function createFindOrBegin(deps: WaitingCallsDeps): FindOrBegin {
  const { store, database, changes, settings, keepsContent, onError } = deps;

  return async (request, { upstream, own }, bound) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const now = Date.now();
      const live = await store.findLive(bound.binding, now);
      if (live !== undefined && !isVoid(live, upstream.client)) return live;
      if (live !== undefined) await store.expire(live.id, now);
      await checkRoom(store, request.caller.principal, now);
      const fresh: NewApproval = {
        id: randomUUID(),
        ...describe(request),
        client_id: upstream.client.client_id,
        client_name: upstream.client.name,
        tool: own,
        binding: bound.binding,
        arguments_digest: bound.argumentsDigest,
        arguments: bound.argumentsJson,
        is_content_kept: keepsContent(request),
        created_at: now,
        expires_at: now + settings().approval_ttl * 1_000,
      };
      // In a transaction, which looks whether the encryption key is still the one.
      const isNew = await database.transaction((tx) => store.with(tx).insert(fresh));
      if (isNew) void changes.publish('mcp_approvals', fresh.id).catch(onError);
    }
    throw new GatewayError('conflict', 'the same call is made too often at once; send it again');
  };
}

/** What the caller said yes to itself holds only as long as it may. */
function isVoid({ status, decision, principal }: StoredApproval, client: McpClient): boolean {
  return status === 'approved' && decision?.by === principal && !mayApproveOwn(client);
}

async function checkRoom(store: ApprovalStore, principal: string, now: number): Promise<void> {
  if ((await store.count({ status: ['pending'], principal: [principal] }, now)) < MAX_PENDING) return;
  const message = `${MAX_PENDING} calls of yours wait for approval already; wait until some are decided`;
  throw new GatewayError('too_many_attempts', message, { details: { retry_after: 60 } });
}

function describe({ caller, source, side: { clientInfo } }: ClientRequest) {
  return {
    principal: caller.principal,
    principal_name: caller.name,
    source,
    app: typeof clientInfo?.name === 'string' ? clientInfo.name.slice(0, 255) : undefined,
  };
}
