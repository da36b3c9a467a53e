import { describeChange } from '../governance/audit.ts';
import type { Policy } from '../governance/policy.ts';
import { createCredentialIndex } from '../mcp/personal/credential-index.ts';
import { createHeaderForms, type HeaderForms } from '../mcp/personal/header-forms.ts';
import { createHeaderKind, type HeaderKind } from '../mcp/personal/header-kind.ts';
import { createLinks, type Links } from '../mcp/personal/links.ts';
import { createPersonalSessions, type PersonalSessions } from '../mcp/personal/sessions.ts';
import type { Upstream } from '../mcp/upstream/upstream.ts';
import type { Verify } from '../mcp/upstream/verify.ts';
import type { Common } from './common.ts';

interface PersonalOptions extends Common {
  readonly policy: Policy;
  readonly verify: Verify;
  readonly upstreams: () => Iterable<Upstream>;
}

/** Servers that know each of their callers: how a caller's credential is found, entered and managed. */
export interface PersonalParts {
  /** By `auth_type`. */
  readonly kinds: { readonly per_user_headers: HeaderKind };
  readonly links: Links;
  readonly forms: HeaderForms;
  readonly sessions: PersonalSessions;
  /** Reads what is stored; before that nobody has a credential. */
  load(): Promise<void>;
}

/** Builds what `per_user_headers` and, later, `per_user_oauth` consist of. */
export function createPersonal(options: PersonalOptions): PersonalParts {
  const { stores, changes, settings, logger, onError, policy, verify, upstreams } = options;
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
  const links = createLinks({ key: stores.encryption.deriveKey('mcp-flow-link'), settings });
  return {
    kinds: { per_user_headers: headers },
    links,
    forms: createHeaderForms({ kind: headers, find, findKey: (id) => policy.find(id) }),
    sessions: createPersonalSessions({
      kinds: [headers],
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
