import type { AuthType } from '../contract/mcp-client.ts';
import type { Actor } from '../governance/audit.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { clientChange } from './client-change.ts';
import type { ClientCommits } from './client-commits.ts';
import { isPerUser } from './client-config.ts';
import type { CallerHeaders } from './relay/forwarded-headers.ts';
import type { Sample, Trials } from './trials.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { Verified } from './upstream/verify.ts';

/** What can be done anew with a server whose record stays as it is. */
export interface Renewals {
  reconnect(id: string, actor: Actor): Promise<void>;
  /** Lists the tools of a server now; gives their number. */
  refreshTools(id: string, actor: Actor): Promise<number>;
  /** The same as another process has done, which has recorded it. */
  renew(id: string, how: 'reconnect' | 'refresh'): Promise<void>;
  /** Lists the tools of a server to which each caller sends headers of their own, with these, which are not kept. */
  verifyHeaders(id: string, sample: Sample, actor: Actor): Promise<number>;
  /**
   * Lists the tools of a server with the exchanged token of whoever asks: the one given, else that in the header of the record.
   * It is not kept.
   */
  verifyExchange(id: string, token: string, headers: CallerHeaders, actor: Actor): Promise<number>;
}

interface RenewalDeps extends ClientCommits {
  /** Throws for a server that is not there. */
  readonly demand: (id: string) => Upstream;
  /** One change of a server at a time. */
  readonly inTurn: <T>(id: string, work: () => Promise<T>) => Promise<T>;
  readonly trials: Trials;
}

/** Connects to servers anew, and lists anew what they offer, in turn with the changes of their records. */
export function createRenewals({ demand, inTurn, trials, record, commit }: RenewalDeps): Renewals {
  const reconnecting = new Set<string>();

  /** A server with a connection that all callers share. */
  function demandShared(id: string): Upstream {
    const upstream = demand(id);
    refuseDisabled(upstream);
    refusePerUser(upstream);
    return upstream;
  }

  /** Connects to a server or lists its tools, in turn. Gives it; throws when it was removed before that or meanwhile. */
  async function renew(id: string, how: 'reconnect' | 'refresh'): Promise<Upstream> {
    await inTurn(id, () => {
      const upstream = demandShared(id);
      return upstream.shared[how]().catch(refused(upstream));
    });
    return demand(id);
  }

  /** Lists the tools of a server that knows each caller, with a credential for this alone. */
  function relist(
    id: string,
    actor: Actor,
    type: AuthType,
    verifyAs: (client: McpClient) => Promise<Verified>,
  ): Promise<number> {
    demand(id);
    return inTurn(id, async () => {
      const upstream = demand(id);
      refuseDisabled(upstream);
      const { client } = upstream;
      if (client.auth_type !== type)
        throw new GatewayError('wrong_state', `${client.name}: its auth_type is "${client.auth_type}", not "${type}"`);
      const found = await verifyAs(client);
      await commit({ client, found, actor, change: clientChange('refresh', upstream) });
      return upstream.offer.tools.length;
    });
  }

  return {
    async reconnect(id, actor) {
      demandShared(id);
      if (reconnecting.has(id)) throw new GatewayError('conflict', 'reconnect already in progress for this client');
      reconnecting.add(id);
      try {
        await record(actor, clientChange('reconnect', await renew(id, 'reconnect')));
      } finally {
        reconnecting.delete(id);
      }
    },
    async refreshTools(id, actor) {
      demandShared(id);
      const upstream = await renew(id, 'refresh');
      await record(actor, clientChange('refresh', upstream));
      return upstream.offer.tools.length;
    },
    renew: async (id, how) => void (await renew(id, how)),
    verifyHeaders: (id, sample, actor) =>
      relist(id, actor, 'per_user_headers', (client) => trials.withHeaders(client, sample)),
    verifyExchange: (id, token, headers, actor) =>
      relist(id, actor, 'token_exchange', (client) => trials.withToken(client, token, headers)),
  };
}

function refuseDisabled({ client }: Upstream): void {
  if (client.disabled) throw new GatewayError('wrong_state', `${client.name} is disabled; enable the client first`);
}

function refusePerUser({ client }: Upstream): void {
  if (!isPerUser(client)) return;
  const ways: Partial<Record<AuthType, string>> = {
    per_user_headers: '; POST …/verify-headers lists the tools with sample values',
    token_exchange: '; POST …/verify-exchange lists the tools with a token of yours',
  };
  const instead = ways[client.auth_type] ?? '';
  throw new GatewayError('wrong_state', `${client.name} has no connection that all callers share${instead}`);
}

function refused({ client }: Upstream): (error: unknown) => never {
  return (error) => {
    if (error instanceof GatewayError && error.code === 'wrong_state') throw error;
    throw new GatewayError('upstream_refused', `cannot reach ${client.name}: ${messageOf(error)}`, { cause: error });
  };
}
