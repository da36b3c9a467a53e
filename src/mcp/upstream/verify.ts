import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { McpClient, Offer } from '../../store/mcp-clients.ts';
import type { Credentials } from '../credentials.ts';
import type { Auth } from '../transport/auth.ts';
import { openSession, type ConnectDeps, type Purpose } from './connect.ts';
import type { Era } from '../revisions.ts';
import type { Session } from './session.ts';
import type { Timing } from './watch.ts';

/** A session that has found its words and listed what the server offers: good enough to replace one that serves. */
export interface Verified {
  readonly session: Session;
  readonly offer: Offer;
}

/** Connects as a record says and lists what the server offers. On a failure nothing stays open. */
export type Verify = (client: McpClient, options?: VerifyOptions) => Promise<Verified>;

export interface VerifyOptions {
  /** What the server is known to speak, which spares it the question. */
  readonly era?: Era | undefined;
  readonly auth?: Auth | undefined;
  /** The number of a shared process that is to be replaced. */
  readonly instead?: number | undefined;
}

interface VerifyDeps extends ConnectDeps {
  /** The credential of the connection that all callers share, where none is given. */
  readonly credentials: Pick<Credentials, 'shared'>;
}

const UNKNOWN = { code: 'upstream_bad_reply', details: undefined } as const;

export function createVerify(deps: VerifyDeps, timing: Pick<Timing, 'connectTimeoutMs'>): Verify {
  return async (client, { era, auth = deps.credentials.shared(client), instead } = {}) => {
    const signal = AbortSignal.timeout(timing.connectTimeoutMs);
    const explain = (error: unknown, stage: 'connect' | 'list_tools'): GatewayError => {
      const seconds = timing.connectTimeoutMs / 1_000;
      if (signal.aborted)
        return new GatewayError('upstream_timeout', `no answer within ${seconds} s`, { details: { stage } });
      const { code, details } = error instanceof GatewayError ? error : UNKNOWN;
      return new GatewayError(code, messageOf(error), { cause: error, details: { ...details, stage } });
    };
    const purpose = { era, capabilities: {}, auth, instead };
    const session = await openSession(client, deps, purpose, signal).catch((error: unknown) => {
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

/** Opens a session beside the shared one. */
export type OpenSession = (client: McpClient, purpose: Purpose) => Promise<Session>;

export function createOpenSession(deps: VerifyDeps, timing: Pick<Timing, 'connectTimeoutMs'>): OpenSession {
  return (client, purpose) => {
    const auth = purpose.auth ?? deps.credentials.shared(client);
    return openSession(client, deps, { ...purpose, auth }, AbortSignal.timeout(timing.connectTimeoutMs));
  };
}
