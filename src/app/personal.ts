import { describeChange } from '../governance/audit.ts';
import type { Policy } from '../governance/policy.ts';
import { createCredentialIndex } from '../mcp/personal/credential-index.ts';
import { createHeaderForms, type HeaderForms } from '../mcp/personal/header-forms.ts';
import { createHeaderKind, type HeaderKind } from '../mcp/personal/header-kind.ts';
import { createLinks, type Links } from '../mcp/personal/links.ts';
import { createPersonalSessions, type PersonalSessions } from '../mcp/personal/sessions.ts';
import type { PersonalKind } from '../mcp/personal/kind.ts';
import { createOAuthKind } from '../mcp/personal/oauth-kind.ts';
import { createPersonalSignIns, type PersonalSignIns } from '../mcp/personal/sign-ins.ts';
import type { OAuth } from '../mcp/oauth/oauth.ts';
import { mask } from '../lib/secret.ts';
import type { Upstream } from '../mcp/upstream/upstream.ts';
import type { Verify } from '../mcp/upstream/verify.ts';
import type { Common } from './common.ts';
import type { Holder } from '../store/holder.ts';

interface PersonalOptions extends Common {
  readonly policy: Policy;
  readonly oauth: OAuth;
  readonly verify: Verify;
  readonly upstreams: () => Iterable<Upstream>;
}

/** Servers that know each of their callers: how a caller's credential is found, entered and managed. */
export interface PersonalParts {
  /** By `auth_type`. */
  readonly kinds: { readonly per_user_headers: HeaderKind; readonly per_user_oauth: PersonalKind };
  readonly links: Links;
  readonly forms: HeaderForms;
  readonly signIns: PersonalSignIns;
  readonly sessions: PersonalSessions;
  /** Reads what is stored; before that nobody has a credential. */
  load(): Promise<void>;
}

/** Builds what `per_user_headers` and `per_user_oauth` consist of. */
export function createPersonal(options: PersonalOptions): PersonalParts {
  const { stores, changes, settings, logger, onError, policy, verify, upstreams, oauth } = options;
  const { database, audit, headerCredentials: store } = stores;
  const find = (id: string): Upstream | undefined => {
    for (const upstream of upstreams()) if (upstream.client.client_id === id) return upstream;
    return undefined;
  };
  const index = createCredentialIndex({
    store,
    changes,
    onChange: ({ id, client_id }) => find(client_id)?.endOwn((own) => own.credential === id),
    onError,
  });
  const headers = createHeaderKind({ index, store, database, changes, audit, verify, logger, onError });
  const tokens = createOAuthKind({
    ...{ oauth, database, changes, audit },
    store: stores.oauth,
    flows: { ...store.flows, with: (tx) => store.with(tx).flows },
    nameOfHolder: createNameOfHolder(options),
    onChange: ({ id, client_id }) => find(client_id)?.endOwn((own) => own.credential === id),
  });
  const findKey = (id: string) => policy.find(id);
  const links = createLinks({ key: stores.encryption.deriveKey('mcp-flow-link'), settings });
  return {
    kinds: { per_user_headers: headers, per_user_oauth: tokens },
    links,
    forms: createHeaderForms({ kind: headers, find, findKey }),
    signIns: createPersonalSignIns({ oauth, find, findKey }),
    sessions: createPersonalSessions({
      kinds: [headers, tokens],
      links,
      find,
      nameOfKey: (id) => policy.find(id)?.name,
      record: (actor, { id, identity_name }, server) =>
        database.transaction(async (tx) => {
          const change = {
            action: 'refresh',
            entity: 'mcp_session',
            id,
            name: `${server} / ${identity_name}`,
          } as const;
          await audit.with(tx).append(describeChange(actor, change));
        }),
    }),
    load: () => index.load(),
  };
}

/** Tokens are kept without the name of whose they are. */
function createNameOfHolder({ stores, policy }: PersonalOptions) {
  return async ({ mode, identity }: Pick<Holder, 'mode' | 'identity'>): Promise<string> => {
    if (mode === 'session') return mask(identity);
    if (mode === 'vk') return policy.find(identity)?.name ?? identity;
    const key = /^api-key:(\d+)$/.exec(identity)?.[1];
    if (key !== undefined) return (await stores.accounts.find(Number(key)))?.name ?? identity;
    return (await stores.users.find(identity))?.username ?? identity;
  };
}
