import { GatewayError, messageOf } from '../lib/errors.ts';
import type { Holder } from '../store/holder.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { isPerUser } from './client-config.ts';
import { checkAccess, type PersonalServer } from './personal/access.ts';
import { authRequired, identityRequired } from './personal/auth-required.ts';
import { conceal, concealAll } from './personal/conceal.ts';
import { identityOf, labelOf, type PersonalRequest } from './personal/identity.ts';
import type { Personal, PersonalKind } from './personal/kind.ts';
import type { Links } from './personal/links.ts';
import type { Auth } from './transport/auth.ts';

/** On whose behalf a server with per-user credentials is called; the first that is known, in this order. */
export interface Identity {
  readonly mode: 'user' | 'vk' | 'session';
  /** User id, virtual key id, or SHA-256 in hex of `x-bf-mcp-session-id`. */
  readonly id: string;
}

/** The credential of one caller for one server. */
export interface OwnAuth {
  /** The server as it was when the credential was found: it is for no other place. */
  readonly client: McpClient;
  readonly auth: Auth;
  /** Changes with the identity and with the credential: connections are shared by callers with the same text, never by others. */
  readonly key: string;
  /** Id of the credential, through all its changes. */
  readonly credential: string;
  readonly holder: Pick<Holder, 'mode' | 'identity'>;
  /** The error that a caller may see for one that happened with this credential: without its secrets, and with what to do. */
  explain(error: unknown): Promise<unknown>;
}

/** How the gateway authenticates to servers, by `auth_type`. */
export interface Credentials {
  /** For the connection that all callers share; undefined where the static headers are all there is. */
  shared(client: McpClient): Auth | undefined;
  /**
   * For the calls of one caller, where each has a credential of their own; undefined for servers that all callers share. Throws
   * `mcp_auth_required` with what the caller has to do, or `forbidden` where nothing helps.
   */
  own(server: PersonalServer, request: PersonalRequest): Promise<OwnAuth | undefined>;
  /** What keeps a server from being used until somebody signs in; undefined when nothing does. */
  obstacle(client: McpClient): 'pending_verification' | 'needs_reauth' | undefined;
}

interface CredentialsDeps extends Partial<Pick<Credentials, 'shared' | 'obstacle'>> {
  /** By `auth_type`; without an entry nobody can have such a credential. */
  readonly kinds: Readonly<Partial<Record<'per_user_headers' | 'per_user_oauth', PersonalKind>>>;
  readonly links: Pick<Links, 'toFlow'>;
  /** For servers that take tokens which callers' tokens are exchanged for. */
  readonly exchanged?: (server: PersonalServer, request: PersonalRequest) => Promise<OwnAuth>;
}

/** Finds the credential of a call: by what the server wants, and on whose behalf the call is made. */
export function createCredentials({ shared, obstacle, kinds, links, exchanged }: CredentialsDeps): Credentials {
  async function find(
    kind: PersonalKind,
    { client, grants }: PersonalServer,
    request: PersonalRequest,
    isEnough = true,
  ) {
    const identity = identityOf(request);
    if (identity === undefined) throw identityRequired(client, kind.auth_kind);
    const holder: Holder = { ...identity, label: labelOf(request) };
    checkAccess({ client, grants }, holder);
    const personal = isEnough ? await kind.find(client, holder) : undefined;
    if (personal !== undefined) return { personal, holder };
    const begun = await kind.begin(client, holder);
    const url = links.toFlow({ ...holder, id: begun.flow_id }, kind.auth_kind, request.headers);
    throw authRequired(client, kind.auth_kind, begun, url);
  }

  return {
    shared: (client) => shared?.(client),
    obstacle: (client) => obstacle?.(client),
    async own(server, request) {
      const { client } = server;
      if (!isPerUser(client)) return undefined;
      if (client.auth_type === 'token_exchange' && exchanged !== undefined) return exchanged(server, request);
      const kind = kinds[client.auth_type as keyof typeof kinds]; // one of the two, by the check above
      if (kind === undefined)
        throw new GatewayError('wrong_state', `${client.name}: auth_type "${client.auth_type}" is not available`);
      const { personal, holder } = await find(kind, server, request);
      return {
        client,
        auth: personal.auth,
        key: personal.key,
        credential: personal.id,
        holder,
        explain: (error) => explain(error, personal, (isEnough) => find(kind, server, request, isEnough)),
      };
    },
  };
}

/** Nothing but static headers. */
export const NO_CREDENTIALS: Credentials = createCredentials({ kinds: {}, links: { toFlow: () => '' } });

async function explain(
  error: unknown,
  personal: Personal,
  find: (isEnough: boolean) => Promise<unknown>,
): Promise<unknown> {
  if (!(error instanceof GatewayError)) return error;
  if (error.code !== 'mcp_auth_required') {
    const { code, details } = error;
    // Without its cause, whose words are in the message already.
    const secrets = personal.secrets();
    return new GatewayError(code, conceal(messageOf(error), secrets), {
      ...(details && { details: concealAll(details, secrets) as Record<string, unknown> }),
    });
  }
  try {
    // A token with too few scopes still serves other calls, but not this one.
    await find(error.details?.['reason'] !== 'more_scopes');
  } catch (required) {
    return required;
  }
  return new GatewayError(
    'upstream_session_expired',
    'the credential was replaced while the call was on its way; nothing ran',
  );
}
