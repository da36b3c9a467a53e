import { createPrivateKey, randomUUID, type KeyObject } from 'node:crypto';
import type { TokenAuthMethod } from '../../contract/oauth.ts';
import { GatewayError } from '../../lib/errors.ts';
import { parseObject } from '../../lib/json-value.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';

type Client = Pick<OAuthConfig, 'client_id' | 'client_secret' | 'private_key' | 'token_endpoint_auth_method'>;

/** Puts the proof of who the gateway is into a token request. */
export async function authenticateClient(
  client: Client,
  server: Pick<OAuthServer, 'issuer' | 'isVerified' | 'token_endpoint' | 'token_endpoint_auth_methods_supported'>,
  request: { readonly headers: Headers; readonly body: URLSearchParams },
): Promise<void> {
  const { client_id = '' } = client;
  const secret = client.client_secret.resolve();
  switch (methodOf(client, server.token_endpoint_auth_methods_supported)) {
    case 'client_secret_basic':
      request.headers.set('authorization', `Basic ${basic(client_id, secret)}`);
      return;
    case 'client_secret_post':
      request.body.set('client_id', client_id);
      request.body.set('client_secret', secret);
      return;
    case 'private_key_jwt': {
      // RFC 7523bis: the issuer as audience; the endpoint only where no issuer is known.
      const audience = server.isVerified ? server.issuer : server.token_endpoint;
      request.body.set('client_id', client_id);
      request.body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      request.body.set('client_assertion', await signAssertion(client_id, audience, client.private_key.resolve()));
      return;
    }
    case 'none':
      request.body.set('client_id', client_id);
  }
}

/** How to authenticate: as agreed, else the best that both sides can. */
export function methodOf(client: Client, supported: readonly string[] | undefined): TokenAuthMethod {
  if (client.token_endpoint_auth_method !== undefined) return client.token_endpoint_auth_method;
  if (client.private_key.isSet) return 'private_key_jwt';
  if (!client.client_secret.isSet) return 'none';
  if (supported === undefined || supported.includes('client_secret_basic')) return 'client_secret_basic';
  return supported.includes('client_secret_post') ? 'client_secret_post' : 'client_secret_basic';
}

/** RFC 6749 §2.3.1: both parts are form-encoded first, or a colon in the id would move the border. */
function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
  return Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64');
}

/** RFC 7523 §3. */
async function signAssertion(client_id: string, audience: string, privateKey: string): Promise<string> {
  const { SignJWT } = await import('jose');
  const { key, kid } = readKey(privateKey);
  return new SignJWT({})
    .setProtectedHeader({ alg: algorithmOf(key), typ: 'JWT', ...(kid === undefined ? {} : { kid }) })
    .setIssuer(client_id)
    .setSubject(client_id)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('2m')
    .sign(key);
}

/** A PKCS#8 (or other) PEM, or a private JWK. */
export function readKey(text: string): { readonly key: KeyObject; readonly kid: string | undefined } {
  const jwk = parseObject(text);
  try {
    const key = createPrivateKey(jwk === undefined ? text : { key: jwk, format: 'jwk' });
    return { key, kid: typeof jwk?.['kid'] === 'string' ? jwk['kid'] : undefined };
  } catch {
    // Without the cause: it may quote the key.
    throw new GatewayError('invalid_request', 'oauth_config.private_key is no private key in PEM or JWK form');
  }
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  const algorithm = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (algorithm !== undefined) return algorithm;
  throw new GatewayError('invalid_request', 'oauth_config.private_key must be RSA, Ed25519, P-256, P-384 or P-521');
}
