import { createLogger } from '../../src/lib/logger.ts';
import { startGateway } from '../kit/gateway.ts';

type JsonObject = Record<string, unknown>;

/** A gateway that has signed in to one server, the way an administrator does over the management API. */
export interface SignedInGateway extends AsyncDisposable {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Signs in once more, as after a refusal that says that more scopes are needed. */
  signInAgain(): Promise<void>;
}

const API_KEY = 'bfst-conformance-of-the-client-role';

/** Starts a gateway and registers the scenario's server; `context` is what the suite says of its authorization server. */
export async function openSignedInGateway(
  serverUrl: string,
  scenario: string,
  context: JsonObject,
): Promise<SignedInGateway> {
  const gateway = await startGateway({
    apiKey: API_KEY,
    logger: createLogger({ level: process.env['CONFORMANCE_LOG'] === undefined ? 'silent' : 'debug', style: 'json' }),
    nameOf: (_client: string, own: string) => own,
  });
  const address = gateway.address.replace('127.0.0.1', 'localhost');
  const headers = { authorization: `Bearer ${API_KEY}` };

  async function post(path: string, body?: JsonObject): Promise<JsonObject> {
    const response = await fetch(address + path, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as JsonObject;
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The person: opens the address and is sent back to the gateway. */
  async function visit({ authorize_url }: JsonObject): Promise<void> {
    const asked = await fetch(String(authorize_url), { redirect: 'manual' });
    const back = asked.headers.get('location');
    if (back === null) throw new Error(`the authorization endpoint answers ${asked.status}`);
    const answer = await fetch(back);
    if (!answer.ok) throw new Error(`the callback answers ${answer.status}: ${await answer.text()}`);
  }

  /** Whether the server took what the sign-in gave. */
  async function register(): Promise<boolean> {
    const begun = await post('/api/mcp/client', {
      client_id: 'conformance',
      name: 'conformance',
      connection_type: 'http',
      connection_string: serverUrl,
      auth_type: 'oauth',
      oauth_config: configOf(scenario, context),
      tools_to_execute: ['*'],
    });
    if (begun['authorize_url'] === undefined) return true;
    await visit(begun);
    return post(String(begun['complete_url'])).then(
      () => true,
      (error: unknown) => {
        if (String(error).includes(' 422 ')) return false;
        throw error;
      },
    );
  }

  try {
    // Some servers change their mind in between; an administrator would begin anew.
    if (!(await register()) && !(await register())) throw new Error('the server refuses what the sign-in gave, twice');
  } catch (error) {
    await gateway.close();
    throw error;
  }
  return {
    url: `${address}/mcp`,
    headers,
    signInAgain: async () => visit(await post('/api/mcp/client/conformance/reauthorize')),
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

/** What an operator would enter. */
function configOf(scenario: string, { client_id, client_secret, private_key_pem }: JsonObject): JsonObject {
  const known = client_id === undefined ? {} : { client_id, client_secret };
  if (!scenario.startsWith('auth/client-credentials')) return known;
  return { ...known, grant_type: 'client_credentials', private_key: private_key_pem };
}
