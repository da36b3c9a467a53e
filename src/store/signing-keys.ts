import { generateKeyPair, hash } from 'node:crypto';
import { promisify } from 'node:util';
import type { Encryption } from '../lib/encryption.ts';
import type { SettingsStore } from './settings.ts';

/** An RSA key as JSON (RFC 7517); these members are public. */
export interface RsaJwk {
  readonly kty: 'RSA';
  readonly n: string;
  readonly e: string;
  readonly kid: string;
  readonly alg: 'RS256';
  readonly use: 'sig';
}

/** The key that access tokens are signed with. */
export interface SigningKeys {
  /** The private key in use. Secret. */
  readonly current: RsaJwk;
  readonly publicKey: RsaJwk;
  /** The public half of the key before, while tokens that it signed may still be about. */
  readonly previous: { readonly publicKey: RsaJwk; readonly until: number } | undefined;
}

/** Where the signing key is kept. */
export interface SigningKeyStore {
  /** The key of this database, which is made when there is none. */
  load(): Promise<SigningKeys>;
  /** Signs with a new key from now on; what the old one signed counts for some more time. */
  rotate(previousUntil: number): Promise<SigningKeys>;
}

interface Stored {
  readonly kid: string;
  /** The private key as encrypted JWK. */
  readonly key: string;
  readonly previous?: SigningKeys['previous'];
}

/** The row of the settings table; a change of the key is announced under this id. */
export const SIGNING_KEY = 'oauth2.signing_key';
const BITS = 2048;

/** Keeps the key in the settings, encrypted, so that all nodes sign with the same one. */
export function createSigningKeyStore(
  settings: Pick<SettingsStore, 'get' | 'put' | 'putIfAbsent'>,
  encryption: Encryption,
): SigningKeyStore {
  const placeOf = (kid: string) => `settings:${SIGNING_KEY}:${kid}` as const;

  async function load(): Promise<SigningKeys> {
    // Read again even when it was just written: of several nodes that start at once, one has written it.
    if ((await settings.get(SIGNING_KEY)) === undefined) await settings.putIfAbsent(SIGNING_KEY, await make());
    const { kid, key, previous } = (await settings.get(SIGNING_KEY)) as Stored;
    const current = JSON.parse(encryption.decrypt(key, placeOf(kid))) as RsaJwk;
    const isPreviousAlive = previous !== undefined && previous.until > Date.now();
    return { current, publicKey: publicHalf(current), previous: isPreviousAlive ? previous : undefined };
  }

  async function make(previous?: SigningKeys['previous']): Promise<Stored> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: BITS });
    const bare = privateKey.export({ format: 'jwk' }) as Pick<RsaJwk, 'kty' | 'n' | 'e'>; // an RSA key has them
    // The thumbprint of RFC 7638: the same key never has two names.
    const kid = hash('sha256', JSON.stringify({ e: bare.e, kty: bare.kty, n: bare.n }), 'base64url');
    const jwk = { ...bare, kid, alg: 'RS256', use: 'sig' } satisfies RsaJwk;
    return { kid, key: encryption.encrypt(JSON.stringify(jwk), placeOf(kid)), ...(previous && { previous }) };
  }

  return {
    load,
    async rotate(until) {
      const { publicKey } = await load();
      await settings.put(SIGNING_KEY, await make({ publicKey, until }));
      return load();
    },
  };
}

function publicHalf({ kty, n, e, kid, alg, use }: RsaJwk): RsaJwk {
  return { kty, n, e, kid, alg, use };
}
