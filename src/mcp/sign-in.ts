import { McpClientCreate, type McpClientUpdate, type PendingSignIn } from '../contract/mcp-client.ts';
import type { OAuthConfigInput } from '../contract/oauth.ts';
import type { Actor, Change } from '../governance/audit.ts';
import { GatewayError } from '../lib/errors.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { clientChange } from './client-change.ts';
import type { Write } from './client-commits.ts';
import { applyPatch, fromCreate, listIdleSettings, needsSignIn } from './client-config.ts';
import { invalid } from './client-rules.ts';
import { CALLBACK_PATH } from './oauth/create-oauth.ts';
import type { Begun, OAuth } from './oauth/oauth.ts';
import type { ClientRegistry, RegisteredClient } from './registry.ts';

/** What became of a request that may need somebody to sign in. */
export type Outcome =
  | { readonly kind: 'pending'; readonly pending: PendingSignIn }
  | { readonly kind: 'done'; readonly registered: RegisteredClient; readonly warnings: string[] };

/** Registration and repair of servers that an administrator has to sign in to. */
export interface SignIns {
  /** Registers a server. One that needs a sign-in exists only when that is completed. */
  create(body: McpClientCreate, origin: string, actor: Actor): Promise<Outcome>;
  /** Changes a server. A new `oauth_config` is signed in to first; the former one serves until that is completed. */
  update(id: string, body: McpClientUpdate, origin: string, actor: Actor): Promise<Outcome>;
  /** Makes or changes the server whose sign-in has succeeded. */
  complete(configId: string, actor: Actor): Promise<Outcome>;
  /** Signs in once more, or for the first time if config.json declared the server. */
  begin(id: string, origin: string, actor: Actor): Promise<Outcome>;
}

interface Deps {
  readonly registry: ClientRegistry;
  readonly oauth: Pick<OAuth, 'beginAdmin' | 'configOf' | 'pendingOf' | 'adopt' | 'published'>;
  /** Keeps the record of something that changes no setting. */
  readonly record: (actor: Actor, change: Change) => Promise<void>;
}

export function createSignIns({ registry, oauth, record }: Deps): SignIns {
  async function create(body: McpClientCreate, origin: string, actor: Actor): Promise<Outcome> {
    if (!needsSignIn({ auth_type: body.auth_type ?? 'none' })) {
      const { client, warnings } = await registry.create(body, actor);
      return { kind: 'done', registered: client, warnings };
    }
    const client = fromCreate(body);
    registry.checkFree(client);
    const begun = await oauth.beginAdmin({
      client,
      input: body.oauth_config ?? {},
      // With the id that it has got, so that the same client is made when the sign-in is done.
      pending: JSON.stringify({ ...body, client_id: client.client_id }),
      redirectUri: origin + CALLBACK_PATH,
    });
    return begun.status === 'authorized' ? complete(begun.oauth_config_id, actor) : waiting(begun, client, 'create');
  }

  async function update(id: string, body: McpClientUpdate, origin: string, actor: Actor): Promise<Outcome> {
    const { client: before } = registry.get(id);
    const { oauth_config, oauth_config_id, ...rest } = body;
    const isOther =
      oauth_config_id !== undefined && oauth_config_id !== null && oauth_config_id !== before.oauth_config_id;
    const isNew = oauth_config !== undefined && oauth_config !== null;
    if (isOther && isNew) throw invalid('oauth_config', 'cannot be sent along with another oauth_config_id');
    if (isOther) return rebind(id, rest, oauth_config_id, actor);
    // Begun before anything is changed: if it cannot begin, nothing is.
    const begun = isNew ? await beginNew(applyPatch(before, rest), oauth_config, origin) : undefined;
    if (begun?.status === 'authorized') return rebind(id, rest, begun.oauth_config_id, actor);
    const { warnings } = await registry.update(id, rest, actor);
    const registered = registry.get(id);
    return begun === undefined ? { kind: 'done', registered, warnings } : waiting(begun, registered.client, 'update');
  }

  function beginNew(client: McpClient, input: OAuthConfigInput, origin: string): Promise<Begun> {
    if (!needsSignIn(client)) throw invalid('oauth_config', 'only applies to auth_type "oauth" and "per_user_oauth"');
    const pending = JSON.stringify({ client_id: client.client_id });
    return oauth.beginAdmin({ client, input, pending, redirectUri: origin + CALLBACK_PATH });
  }

  /** Lets a client take over a configuration that was signed in to. The connection with it is verified first. */
  async function rebind(
    id: string,
    body: Omit<McpClientUpdate, 'oauth_config'>,
    configId: string,
    actor: Actor,
  ): Promise<Outcome> {
    const config = await oauth.configOf(configId);
    if (config?.status !== 'authorized')
      throw invalid('oauth_config_id', `there is no OAuth configuration "${configId}" that was signed in to`);
    if (config.mcp_client_id !== undefined && config.mcp_client_id !== id)
      throw invalid('oauth_config_id', `the OAuth configuration "${configId}" belongs to another client`);
    const { warnings } = await registry.update(id, { ...body, oauth_config_id: configId }, actor, (tx) =>
      oauth.adopt(configId, id, tx),
    );
    await oauth.published('*');
    return { kind: 'done', registered: registry.get(id), warnings };
  }

  async function complete(configId: string, actor: Actor): Promise<Outcome> {
    const { pending_client } = await oauth.pendingOf(configId);
    const pending = JSON.parse(pending_client) as { client_id: string }; // written down when the sign-in began
    if (registry.find(pending.client_id) !== undefined) return rebind(pending.client_id, {}, configId, actor);
    const body = McpClientCreate.parse(pending);
    const client: McpClient = { ...fromCreate(body), oauth_config_id: configId };
    const write: Write = (tx) => oauth.adopt(configId, client.client_id, tx);
    const registered = await registry.register(client, actor, { write });
    await oauth.published(configId);
    return { kind: 'done', registered, warnings: listIdleSettings(client, body) };
  }

  async function begin(id: string, origin: string, actor: Actor): Promise<Outcome> {
    const registered = registry.get(id);
    const { client } = registered;
    if (!needsSignIn(client))
      throw new GatewayError(
        'invalid_request',
        `${client.name} has auth_type "${client.auth_type}": nobody signs in to it`,
      );
    const isNew = client.oauth_config_id === undefined;
    const begun = await oauth.beginAdmin({
      client,
      ...(isNew && { input: {}, pending: JSON.stringify({ client_id: id }) }),
      redirectUri: origin + CALLBACK_PATH,
    });
    await record(actor, clientChange('reauthorize', { client }));
    if (begun.status === 'pending') return waiting(begun, client, 'update');
    if (isNew) return rebind(id, {}, begun.oauth_config_id, actor);
    registry.wake(id);
    return { kind: 'done', registered, warnings: [] };
  }

  return { create, update, complete, begin };
}

function waiting(
  { oauth_config_id, authorize_url, expires_at }: Extract<Begun, { status: 'pending' }>,
  client: McpClient,
  kind: 'create' | 'update',
): Outcome {
  const complete_url = `/api/mcp/client/${oauth_config_id}/complete-oauth`;
  const status_url = `/api/oauth/config/${oauth_config_id}/status`;
  const message =
    kind === 'create'
      ? `${client.name} needs somebody to sign in: open authorize_url`
      : `MCP client edited successfully; open authorize_url to sign in. Until then the former sign-in serves`;
  return {
    kind: 'pending',
    pending: {
      status: kind === 'create' ? 'pending_oauth' : 'success',
      message,
      oauth_config_id,
      authorize_url,
      expires_at: new Date(expires_at).toISOString(),
      mcp_client_id: client.client_id,
      complete_url,
      status_url,
      next_steps: [
        'Open authorize_url in a browser and sign in.',
        `Ask GET ${status_url} until it says "authorized".`,
        `POST ${complete_url}.`,
      ],
    },
  };
}
