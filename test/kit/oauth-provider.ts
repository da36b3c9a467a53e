import { allow, createBrowser } from './oauth-client.ts';

/** What an application keeps of its sign-in; for `authProvider` of both MCP SDKs. */
export interface KeepingProvider {
  readonly redirectUrl: string;
  readonly clientMetadata: {
    client_name: string;
    redirect_uris: string[];
    grant_types: string[];
    response_types: string[];
    token_endpoint_auth_method: string;
  };
  state(): string;
  clientInformation(): { client_id: string } | undefined;
  saveClientInformation(information: { client_id: string }): void;
  tokens(): SavedTokens | undefined;
  saveTokens(tokens: SavedTokens): void;
  redirectToAuthorization(url: URL): Promise<void>;
  saveCodeVerifier(verifier: string): void;
  codeVerifier(): string;
  /** Where the browser was sent back to, with the code. */
  readonly cameBack: URL | undefined;
  /** How often a person was asked. */
  readonly asked: number;
}

interface SavedTokens {
  access_token: string;
  token_type: string;
  refresh_token?: string | undefined;
  expires_in?: number | undefined;
  scope?: string | undefined;
}

/** An application whose user lets it in with this virtual key, whenever it asks. */
export function createKeepingProvider(key: string): KeepingProvider {
  let information: { client_id: string } | undefined;
  let tokens: SavedTokens | undefined;
  let verifier = '';
  let cameBack: URL | undefined;
  let asked = 0;
  const redirectUrl = 'http://localhost:6274/oauth/callback';
  return {
    redirectUrl,
    clientMetadata: {
      client_name: 'Keeping application',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'state-of-the-application',
    clientInformation: () => information,
    saveClientInformation: (given) => void (information = given),
    tokens: () => tokens,
    saveTokens: (given) => void (tokens = given),
    async redirectToAuthorization(url) {
      asked += 1;
      cameBack = await allow(createBrowser(), url.href, key);
    },
    saveCodeVerifier: (given) => void (verifier = given),
    codeVerifier: () => verifier,
    get cameBack() {
      return cameBack;
    },
    get asked() {
      return asked;
    },
  };
}
