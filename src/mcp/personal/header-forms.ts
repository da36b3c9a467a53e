import type { HeaderFlowView } from '../../contract/mcp-session.ts';
import type { Actor } from '../../governance/audit.ts';
import type { KeyPolicy } from '../../governance/caller.ts';
import type { HeaderCredential } from '../../store/header-credentials.ts';
import type { HeaderFlow } from '../../store/header-flows.ts';
import type { PersonalServer } from './access.ts';
import { createEntrance } from './entrance.ts';
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
  const entrance = createEntrance({
    auth_type: 'per_user_headers',
    gone: 'the server does not ask for header values any more',
    attempts: ATTEMPTS,
    find,
    findKey,
  });

  return {
    flow: (id) => kind.flow(id),
    view(flow) {
      const server = entrance.serverOf(flow);
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
      const saved = await kind.submit(flow, entrance.enter(flow).client, entry, actor);
      entrance.forgive(flow);
      return saved;
    },
  };
}
