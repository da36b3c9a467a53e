import { GatewayError, messageOf } from '../lib/errors.ts';
import type { McpClient, Tool } from '../store/mcp-clients.ts';
import { openSession, type ConnectDeps } from './connect.ts';
import type { Session } from './session.ts';
import type { Timing } from './watch.ts';

/** A session that has shaken hands and listed its tools: good enough to replace one that serves. */
export interface Verified {
  readonly session: Session;
  readonly tools: readonly Tool[];
}

/** Connects as a record says and lists the tools. On a failure nothing stays open. */
export type Verify = (client: McpClient) => Promise<Verified>;

export function createVerify(deps: ConnectDeps, timing: Pick<Timing, 'connectTimeoutMs'>): Verify {
  return async (client) => {
    const signal = AbortSignal.timeout(timing.connectTimeoutMs);
    const explain = (error: unknown, stage: 'connect' | 'list_tools'): GatewayError => {
      const seconds = timing.connectTimeoutMs / 1_000;
      if (signal.aborted)
        return new GatewayError('upstream_timeout', `no answer within ${seconds} s`, {
          cause: error,
          details: { stage },
        });
      const code = error instanceof GatewayError ? error.code : 'upstream_bad_reply';
      return new GatewayError(code, messageOf(error), { cause: error, details: { stage } });
    };
    const session = await openSession(client, deps, signal).catch((error: unknown) => {
      throw explain(error, 'connect');
    });
    try {
      return { session, tools: await session.listTools(signal) };
    } catch (error) {
      await session.close();
      throw explain(error, 'list_tools');
    }
  };
}
