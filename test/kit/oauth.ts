import { randomUUID } from 'node:crypto';
import type { OAuthConfigInput } from '../../src/contract/oauth.ts';
import { createEncryption, KEY_BYTES } from '../../src/lib/encryption.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Fetch } from '../../src/mcp/oauth/fetch.ts';
import { newToken } from '../../src/mcp/oauth/sign-in-parts.ts';
import { createOAuth } from '../../src/mcp/oauth/create-oauth.ts';
import type { BeginAdmin, BeginUser, Begun, Finished, OAuth } from '../../src/mcp/oauth/oauth.ts';
import { configFromInput } from '../../src/mcp/oauth/config-input.ts';
import type { Auth } from '../../src/mcp/transport/auth.ts';
import { createChanges, type Changes } from '../../src/store/changes.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../src/store/database.ts';
import type { McpClient } from '../../src/store/mcp-clients.ts';
import { createOAuthStore, type OAuthStore } from '../../src/store/oauth.ts';
import { exampleClient } from './clients.ts';
import { openTestDatabase, type DATABASES } from './databases.ts';
import { startOAuthServer, type OAuthServer, type OAuthServerOptions } from './oauth-server.ts';
import { startProtectedUpstream, type ProtectedUpstream } from './oauth-upstream.ts';

/** One gateway's OAuth client on a database; several may share that. */
export interface OAuthNode extends AsyncDisposable {
  readonly oauth: OAuth;
  readonly changes: Changes;
  readonly store: OAuthStore;
  /** What background work reported. */
  readonly errors: unknown[];
}

export interface NodeOptions {
  readonly publicUrl?: string;
  readonly sweepMs?: number;
  readonly fetch?: Fetch;
}

const ENCRYPTION = createEncryption(Buffer.alloc(KEY_BYTES, 7));
export const REDIRECT = 'http://127.0.0.1:8080/api/oauth/callback';

/** Starts the OAuth client of one gateway process on this database. */
export async function startNode(database: Database, options: NodeOptions = {}): Promise<OAuthNode> {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const changes = await createChanges(database, onError);
  const store = createOAuthStore(database.db, ENCRYPTION);
  const oauth = await createOAuth({
    database,
    store,
    changes,
    fetchFor: () => options.fetch ?? ((url, init) => fetch(url, init)),
    idp: undefined,
    publicUrl: () => options.publicUrl ?? '',
    onError,
    sweepMs: options.sweepMs ?? 3_600_000,
  });
  return {
    oauth,
    changes,
    store,
    errors,
    async [Symbol.asyncDispose]() {
      await oauth.stop();
      await changes.close();
    },
  };
}

/** An authorization server, a server that wants its tokens, a gateway's OAuth client, and the person in between. */
export interface OAuthScene extends OAuthNode {
  readonly database: Database;
  readonly server: OAuthServer;
  readonly upstream: ProtectedUpstream;
  /** The record of the server, under the configuration of the latest sign-in of an administrator. */
  client: McpClient;
  /** Begins as an administrator and lets the person finish. */
  signIn(input?: OAuthConfigInput, more?: Partial<BeginAdmin>): Promise<Finished>;
  signInAgain(): Promise<Finished>;
  signInUser(options: Pick<BeginUser, 'identity' | 'label'>): Promise<Finished>;
  /** Begins, and gives what the browser would bring back. */
  begin(input?: OAuthConfigInput, more?: Partial<BeginAdmin>): Promise<{ begun: Begun; query: URLSearchParams }>;
  browse(begun: Begun): Promise<URLSearchParams>;
  shared(): Auth;
}

export interface SceneOptions extends OAuthServerOptions, NodeOptions {
  readonly type?: (typeof DATABASES)[number];
  readonly auth_type?: McpClient['auth_type'];
  readonly redirectUri?: string;
}

/** Starts all of it; `await using` ends it. */
export async function startOAuthScene(options: SceneOptions = {}): Promise<OAuthScene> {
  await using cleanup = new AsyncDisposableStack();
  const database = cleanup.use(await openTestDatabase(options.type ?? 'sqlite'));
  const server = cleanup.use(await startOAuthServer(options));
  const upstream = cleanup.use(await startProtectedUpstream(server));
  const node = cleanup.use(await startNode(database, options));
  const { oauth } = node;
  const redirectUri = options.redirectUri ?? REDIRECT;

  async function browse(begun: Begun): Promise<URLSearchParams> {
    if (begun.status !== 'pending') throw new Error('nobody was asked to sign in');
    return (await server.browse(begun.authorize_url)).searchParams;
  }
  const scene: Omit<OAuthScene, keyof OAuthNode> = {
    database,
    server,
    upstream,
    client: exampleClient({
      auth_type: options.auth_type ?? 'oauth',
      connection_string: Secret.parse(upstream.url),
    }),
    browse,
    async begin(input = {}, more = {}) {
      const begun = await oauth.beginAdmin({ client: scene.client, input, redirectUri, ...more });
      return { begun, query: await browse(begun) };
    },
    async signIn(input, more) {
      const { begun, query } = await scene.begin(input, more);
      scene.client = { ...scene.client, oauth_config_id: begun.oauth_config_id };
      return oauth.finish({ query, bind: more?.bind });
    },
    async signInAgain() {
      const begun = await oauth.beginAdmin({ client: scene.client, redirectUri });
      return oauth.finish({ query: await browse(begun) });
    },
    async signInUser(user) {
      const begun = await oauth.beginUser({ client: scene.client, redirectUri, ...user });
      return oauth.finish({ query: await browse(begun) });
    },
    shared: () => oauth.tokenFor(scene.client, 'shared'),
  };
  const running = cleanup.move();
  return Object.assign(scene, node, { [Symbol.asyncDispose]: () => running.disposeAsync() });
}

/** Sends one message as a transport does: a refusal goes to the credential, which may let it be sent once more. */
export async function callWith(auth: Auth, url: string, method = 'initialize'): Promise<number> {
  const params =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
      : { name: 'echo', arguments: {} };
  for (let attempt = 0; ; attempt += 1) {
    const sent = await auth.headers();
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...sent, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    await response.text();
    const { status } = response;
    if (status !== 401 && status !== 403) return status;
    const challenge = response.headers.get('www-authenticate') ?? undefined;
    const isRenewed = await auth.refused({ status, challenge }, sent, attempt > 0);
    if (!isRenewed || attempt > 0) return status;
  }
}

/** Lets every token be over, as far as the gateway knows. */
export async function expireTokens({ database, changes }: Pick<OAuthScene, 'database' | 'changes'>): Promise<void> {
  await database.db
    .updateTable('oauth_tokens')
    .set({ expires_at: Date.now() - 1 })
    .execute();
  await changes.publish('oauth_tokens', '*');
}

/** Puts a configuration with an (empty) token beside a gateway that runs, and gives its id. */
export async function storeToken(options: DatabaseOptions): Promise<string> {
  const database = await openDatabase(options);
  try {
    const { configs, tokens } = createOAuthStore(database.db, ENCRYPTION);
    const [id, now] = [randomUUID(), Date.now()];
    await configs.insert({
      ...configFromInput({}),
      ...{ id, mcp_client_id: 'wiki-id', pending_client: undefined, created_at: now, updated_at: now },
    });
    const key = { config_id: id, client_id: 'wiki-id', mode: 'shared', identity: '', label: '' } as const;
    const granted = { access: Secret.empty, refresh: undefined, expires_at: undefined, scopes: [] };
    await tokens.save(
      newToken(key, granted, {
        issuer: 'https://as.example',
        registration: undefined,
        resource: undefined,
        scopes: [],
      }),
    );
    return id;
  } finally {
    await database.close();
  }
}
