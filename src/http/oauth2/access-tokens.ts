import { hash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { GatewayError } from '../../lib/errors.ts';
import type { OAuthSessionStore } from '../../store/oauth-sessions.ts';
import type { RsaJwk, SigningKeys } from '../../store/signing-keys.ts';
import { resourceOf } from './issuer.ts';

/** What a token says that was found to be good. */
export interface VerifiedToken {
  readonly principal: string;
  readonly sessionId: string;
  readonly issuer: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface AccessTokens {
  /** The verified token; at once when it is known. Throws `unauthorized` for any other, and for one of another issuer. */
  verify(token: string, issuer: string): VerifiedToken | Promise<VerifiedToken>;
  /** Forgets a session whose tokens must not be taken from memory any more; all of them without an id. */
  forget(sessionId?: string): void;
}

interface Deps {
  readonly loadKeys: () => Promise<SigningKeys>;
  readonly sessions: Pick<OAuthSessionStore, 'find' | 'touch'>;
  readonly onError: (error: unknown) => void;
}

const MAX_KNOWN = 10_000;
const TOUCH_INTERVAL = 60_000;

/** Verifies a token once, with its signature and its session; then it costs a hash and a look-up until it ends. */
export function createAccessTokens({ loadKeys, sessions, onError }: Deps): AccessTokens {
  const known = new Map<string, VerifiedToken>();
  const touched = new Map<string, number>();
  /** Counts what was forgotten: a token whose session ended while it was verified must not be remembered. */
  let generation = 0;

  async function verifyAnew(token: string, issuer: string, id: string): Promise<VerifiedToken> {
    const before = generation;
    const verified = readClaims(await verifySignature(token, issuer, await loadKeys()), issuer);
    const session = await sessions.find(verified.sessionId);
    if (session?.principal !== verified.principal) throw refuse('its session has ended');
    if (before === generation) {
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(id, verified);
    }
    return verified;
  }

  /** Once a minute and in the background: nobody waits for a time stamp. */
  function noteUse(sessionId: string, now: number): void {
    if (now - (touched.get(sessionId) ?? 0) < TOUCH_INTERVAL) return;
    if (touched.size >= MAX_KNOWN) touched.clear();
    touched.set(sessionId, now);
    sessions.touch(sessionId, { last_used_at: now }).catch(onError);
  }

  return {
    verify(token, issuer) {
      const id = hash('sha256', token);
      const found = known.get(id);
      if (found === undefined) return verifyAnew(token, issuer, id);
      const now = Date.now();
      if (found.expiresAt <= now) {
        known.delete(id);
        throw refuse('it has expired');
      }
      if (found.issuer !== issuer) throw refuse('it is of another issuer');
      noteUse(found.sessionId, now);
      return found;
    },
    forget(sessionId) {
      generation += 1;
      if (sessionId === undefined) return known.clear();
      for (const [id, token] of known) if (token.sessionId === sessionId) known.delete(id);
    },
  };
}

/** Whether this looks like a token of this issuer, before anything about it is checked. */
export function isTokenOf(token: string, issuer: string): boolean {
  const parts = token.split('.');
  if (parts.length !== 3 || !token.startsWith('eyJ')) return false;
  try {
    const claims = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString()) as { iss?: unknown };
    return claims.iss === issuer;
  } catch {
    return false;
  }
}

async function verifySignature(token: string, issuer: string, keys: SigningKeys): Promise<JWTPayload> {
  const { errors, jwtVerify } = await import('jose');
  const options = {
    issuer,
    audience: resourceOf(issuer),
    // One algorithm, which is that of the key: what the header says is only compared.
    algorithms: ['RS256'],
    typ: 'at+jwt',
    requiredClaims: ['sub', 'sid', 'exp', 'iat', 'jti', 'client_id'],
  };
  try {
    const { payload } = await jwtVerify(token, ({ kid }: { kid?: string }) => findKey(kid, keys), options);
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refuse('it has expired');
    if (error instanceof errors.JOSEError) throw refuse('it is not valid');
    throw error;
  }
}

function findKey(kid: string | undefined, { publicKey, previous }: SigningKeys): RsaJwk {
  const isPrevious = previous !== undefined && previous.publicKey.kid === kid && previous.until > Date.now();
  const key = publicKey.kid === kid ? publicKey : isPrevious ? previous.publicKey : undefined;
  if (key === undefined) throw refuse('it is signed with another key');
  return key;
}

function readClaims({ sub, sid, exp }: JWTPayload, issuer: string): VerifiedToken {
  if (typeof sub !== 'string' || typeof sid !== 'string' || typeof exp !== 'number') throw refuse('it is not valid');
  return Object.freeze({ principal: sub, sessionId: sid, issuer, expiresAt: exp * 1000 });
}

function refuse(reason: string): GatewayError {
  return new GatewayError('unauthorized', `the access token cannot be used: ${reason}; sign in again`);
}
