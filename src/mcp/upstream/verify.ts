import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { McpClient, Offer } from '../../store/mcp-clients.ts';
import { openSession, type ConnectDeps } from './connect.ts';
import type { Profile } from '../profile.ts';
import type { Era } from '../revisions.ts';
import type { Session } from './session.ts';
import type { Timing } from './watch.ts';

/** A session that has found its words and listed what the server offers: good enough to replace one that serves. */
export interface Verified {
  readonly session: Session;
  readonly offer: Offer;
}

/**
 * Connects as a record says and lists what the server offers. On a failure nothing stays open. `era` is what the server is
 * known to speak, which spares it the question.
 */
export type Verify = (client: McpClient, era?: Era) => Promise<Verified>;

const UNKNOWN = { code: 'upstream_bad_reply', details: undefined } as const;

export function createVerify(deps: ConnectDeps, timing: Pick<Timing, 'connectTimeoutMs'>): Verify {
  return async (client, era) => {
    const signal = AbortSignal.timeout(timing.connectTimeoutMs);
    const explain = (error: unknown, stage: 'connect' | 'list_tools'): GatewayError => {
      const seconds = timing.connectTimeoutMs / 1_000;
      if (signal.aborted)
        return new GatewayError('upstream_timeout', `no answer within ${seconds} s`, { details: { stage } });
      const { code, details } = error instanceof GatewayError ? error : UNKNOWN;
      return new GatewayError(code, messageOf(error), { cause: error, details: { ...details, stage } });
    };
    const session = await openSession(client, deps, { era, capabilities: {} }, signal).catch((error: unknown) => {
      throw explain(error, 'connect');
    });
    try {
      return { session, offer: await session.list(signal) };
    } catch (error) {
      await session.close();
      throw explain(error, 'list_tools');
    }
  };
}

/** Opens a session that speaks for callers with these capabilities. */
export function createOpenDedicated(deps: ConnectDeps, timing: Pick<Timing, 'connectTimeoutMs'>) {
  return (client: McpClient, { capabilities }: Profile): Promise<Session> =>
    openSession(client, deps, { era: 'legacy', capabilities }, AbortSignal.timeout(timing.connectTimeoutMs));
}
