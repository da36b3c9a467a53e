import type { OAuthFlowView } from '../../contract/mcp-session.ts';
import type { KeyPolicy } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { HeaderFlow } from '../../store/header-flows.ts';
import type { OAuth } from '../oauth/oauth.ts';
import type { PersonalServer } from './access.ts';
import { createEntrance } from './entrance.ts';
import { holderView } from './sessions.ts';

interface Deps {
  readonly oauth: Pick<OAuth, 'beginUser' | 'accounts'>;
  readonly find: (client_id: string) => PersonalServer | undefined;
  readonly findKey: (id: string) => KeyPolicy | undefined;
}

/** Where a browser is led, and what it must show when it comes back. */
interface Browser {
  readonly redirectUri: string;
  readonly bind: string;
}

/** The sign-ins that links of calls lead to. */
export interface PersonalSignIns {
  view(flow: HeaderFlow): OAuthFlowView;
  /** Gives the address of the authorization server. Throws `forbidden`, `flow_over`, `rate_limited` and what the server did wrong. */
  begin(flow: HeaderFlow, browser: Browser): Promise<string>;
}

/** Each attempt asks the server and its authorization server. */
const ATTEMPTS = { free: 10, firstMs: 1_000, longestMs: 60_000 };

export function createPersonalSignIns({ oauth, find, findKey }: Deps): PersonalSignIns {
  const entrance = createEntrance({
    auth_type: 'per_user_oauth',
    gone: 'nobody signs in to the server any more',
    attempts: ATTEMPTS,
    find,
    findKey,
  });

  return {
    view(flow) {
      const server = entrance.serverOf(flow);
      const { id, status, mode, identity, label } = flow;
      const { oauth_config_id } = server.client;
      const accounts = oauth.accounts(server.client, { mode, id: identity });
      return {
        ...{ id, status, flow_mode: mode },
        ...holderView(flow, server, (key) => findKey(key)?.name),
        ...(oauth_config_id !== undefined && { oauth_config_id }),
        has_active_token: accounts.some((token) => token.label === label && token.status === 'active'),
        expires_at: new Date(flow.expires_at).toISOString(),
        created_at: new Date(flow.created_at).toISOString(),
      };
    },
    async begin(flow, browser) {
      entrance.serverOf(flow);
      if (flow.status !== 'pending') throw new GatewayError('flow_over', 'this link was used, or its time is over');
      const { client } = entrance.enter(flow);
      const { mode, identity: id, label } = flow;
      const begun = await oauth.beginUser({ client, identity: { mode, id }, label, ...browser });
      if (begun.status === 'pending') return begun.authorize_url;
      throw new GatewayError('wrong_state', `${client.name} is not signed in to by people (client_credentials)`);
    },
  };
}
