import type { HeaderFlowView } from '../../contract/mcp-session.ts';
import type { Actor } from '../../governance/audit.ts';
import type { KeyPolicy } from '../../governance/caller.ts';
import { demandUsable } from '../../governance/policy.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createThrottle } from '../../lib/throttle.ts';
import type { HeaderCredential } from '../../store/header-credentials.ts';
import type { HeaderFlow } from '../../store/header-flows.ts';
import { checkAccess, type PersonalServer } from './access.ts';
import type { Entry, HeaderKind } from './header-kind.ts';
import { holderView } from './sessions.ts';

interface FormsDeps {
  readonly kind: HeaderKind;
  readonly find: (client_id: string) => PersonalServer | undefined;
  readonly findKey: (id: string) => KeyPolicy | undefined;
}

/** The forms on which people enter header values, whichever way they come: a page, or the API. */
export interface HeaderForms {
  /** Throws `not_found`. */
  flow(id: string): Promise<HeaderFlow>;
  view(flow: HeaderFlow): HeaderFlowView;
  /** Tries and keeps what was entered. Throws `flow_over`, `forbidden`, `invalid_request`, `upstream_refused`, `rate_limited`. */
  submit(flow: HeaderFlow, entry: Entry, actor: Actor): Promise<HeaderCredential>;
}

/** Each attempt asks the server whether the values are right: a form must not be the place to guess them. */
const ATTEMPTS = { free: 5, firstMs: 1_000, longestMs: 60_000 };

export function createHeaderForms({ kind, find, findKey }: FormsDeps): HeaderForms {
  const throttle = createThrottle(ATTEMPTS);

  function serverOf({ client_id }: HeaderFlow): PersonalServer {
    const server = find(client_id);
    if (server?.client.auth_type === 'per_user_headers') return server;
    throw new GatewayError('flow_over', 'the server does not ask for header values any more');
  }

  return {
    flow: (id) => kind.flow(id),
    view(flow) {
      const server = serverOf(flow);
      const { client } = server;
      const { keys, isActive } = kind.entered(client, flow);
      const admin = Object.keys(client.headers).map((name) => name.toLowerCase());
      return {
        id: flow.id,
        flow_mode: flow.mode,
        status: flow.status,
        ...holderView(flow, server, (id) => findKey(id)?.name),
        required_header_keys: [...client.per_user_header_keys],
        admin_header_keys: admin.filter((name) => !client.per_user_header_keys.includes(name)),
        submitted_keys: [...keys],
        has_active_credential: isActive,
        expires_at: new Date(flow.expires_at).toISOString(),
        created_at: new Date(flow.created_at).toISOString(),
      };
    },
    async submit(flow, entry, actor) {
      const server = serverOf(flow);
      if (server.client.disabled) throw new GatewayError('wrong_state', `${server.client.name} is disabled`);
      const key = flow.mode === 'vk' ? findKey(flow.identity) : undefined;
      if (key !== undefined) demandUsable(key);
      checkAccess(server, flow);
      const delay = throttle.delay(flow.id);
      if (delay > 0) throw tooMany(delay);
      throttle.count(flow.id);
      const saved = await kind.submit(flow, server.client, entry, actor);
      throttle.forgive(flow.id);
      return saved;
    },
  };
}

/** The error for who tries too often. */
export function tooMany(delayMs: number): GatewayError {
  const retry_after = Math.ceil(delayMs / 1_000);
  return new GatewayError('rate_limited', `too many attempts; try again in ${retry_after} s`, {
    details: { retry_after },
  });
}
