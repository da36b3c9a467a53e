import type { KeyPolicy } from '../../governance/caller.ts';
import { demandUsable } from '../../governance/policy.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createThrottle, tooManyAttempts, type ThrottleOptions } from '../../lib/throttle.ts';
import type { HeaderFlow } from '../../store/header-flows.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import { checkAccess, type PersonalServer } from './access.ts';

interface EntranceDeps {
  /** The kind of server that the links here are for. */
  readonly auth_type: McpClient['auth_type'];
  /** What to say where the server is gone or of another kind. */
  readonly gone: string;
  /** How many attempts a link is good for, and how fast. */
  readonly attempts: ThrottleOptions;
  readonly find: (client_id: string) => PersonalServer | undefined;
  readonly findKey: (id: string) => KeyPolicy | undefined;
}

/** What stands between a link and the server that it is for. */
export interface Entrance {
  /** Throws `flow_over`. */
  serverOf(flow: HeaderFlow): PersonalServer;
  /** Counts an attempt, if the holder may make one now. Throws `wrong_state`, `forbidden`, `rate_limited` and what is wrong with the key. */
  enter(flow: HeaderFlow): PersonalServer;
  /** Forgets the attempts: one succeeded. */
  forgive(flow: HeaderFlow): void;
}

export function createEntrance({ auth_type, gone, attempts, find, findKey }: EntranceDeps): Entrance {
  const throttle = createThrottle(attempts);

  function serverOf({ client_id }: HeaderFlow): PersonalServer {
    const server = find(client_id);
    if (server?.client.auth_type === auth_type) return server;
    throw new GatewayError('flow_over', gone);
  }

  return {
    serverOf,
    enter(flow) {
      const server = serverOf(flow);
      if (server.client.disabled) throw new GatewayError('wrong_state', `${server.client.name} is disabled`);
      const key = flow.mode === 'vk' ? findKey(flow.identity) : undefined;
      if (key !== undefined) demandUsable(key);
      checkAccess(server, flow);
      const delay = throttle.delay(flow.id);
      if (delay > 0) throw tooManyAttempts(delay, 'rate_limited');
      throttle.count(flow.id);
      return server;
    },
    forgive: ({ id }) => throttle.forgive(id),
  };
}
