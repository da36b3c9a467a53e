import { createHash } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import type { Fetch } from '../../lib/guarded-fetch.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { asNumber, asObject, asText } from '../../lib/json-value.ts';
import { createRenewals, type Expiring } from './renewals.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN_ADDRESS = 'https://oauth2.googleapis.com/token';
const LIFETIME_SECONDS = 3600;

interface ServiceAccount {
  readonly email: string;
  readonly privateKey: string;
  readonly keyId: string | undefined;
  readonly tokenAddress: string;
}

interface Token extends Expiring {
  readonly text: string;
}

/** Access tokens of Google service accounts, each fetched once and kept until it ends. */
export interface GoogleTokens {
  /** `credentials` is the JSON file of a service account. Throws `invalid_request` when it is none. */
  find(credentials: string): Promise<string>;
}

/** Fetches access tokens with a signed statement of who the account is (RFC 7523). */
export function createGoogleTokens({ fetch, now = Date.now }: { fetch: Fetch; now?: () => number }): GoogleTokens {
  const tokens = createRenewals<Token>(now);

  async function fetchToken(account: ServiceAccount): Promise<Token> {
    const response = await fetch(account.tokenAddress, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: await sign(account, now()),
      }).toString(),
    });
    const body = asObject(parse(await response.text())) ?? {};
    const text = asText(body.access_token);
    if (!response.ok || text === undefined) throw refusedToken(account, response.status, body);
    return { text, expiresAt: now() + (asNumber(body.expires_in) ?? LIFETIME_SECONDS) * 1000 };
  }

  return {
    async find(credentials) {
      const id = createHash('sha256').update(credentials).digest('hex');
      const { text } = await tokens.find(id, async () => fetchToken(readAccount(credentials)));
      return text;
    },
  };
}

async function sign({ email, privateKey, keyId, tokenAddress }: ServiceAccount, at: number): Promise<string> {
  const { importPKCS8, SignJWT } = await import('jose');
  const issuedAt = Math.floor(at / 1000);
  const key = await importPKCS8(privateKey, 'RS256').catch(() => {
    throw invalid('private_key: is not a private key in PEM');
  });
  return new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuer(email)
    .setAudience(tokenAddress)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME_SECONDS)
    .sign(key);
}

function readAccount(credentials: string): ServiceAccount {
  const file = asObject(parse(credentials));
  if (file === undefined) throw invalid('must be the JSON file of a service account');
  const email = asText(file.client_email);
  const privateKey = asText(file.private_key);
  if (email === undefined) throw invalid('client_email: is missing');
  if (privateKey === undefined) throw invalid('private_key: is missing');
  const tokenAddress = asText(file.token_uri) ?? TOKEN_ADDRESS;
  if (!tokenAddress.startsWith('https://')) throw invalid('token_uri: must be an https address');
  return { email, privateKey, keyId: asText(file.private_key_id), tokenAddress };
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

/** Without the cause: parsers quote what they cannot read, and nothing of the credentials may stand in a message. */
function invalid(rule: string): GatewayError {
  const field = 'vertex_key_config.auth_credentials';
  return new GatewayError('invalid_request', `${field}: ${rule}`, { details: { field } });
}

function refusedToken({ tokenAddress }: ServiceAccount, status: number, body: JsonObject): GatewayError {
  const said = asText(body.error_description) ?? asText(body.error) ?? `HTTP ${status}`;
  const host = new URL(tokenAddress).host;
  return new GatewayError('upstream_unauthorized', `${host} gives no token for the service account: ${said}`);
}
