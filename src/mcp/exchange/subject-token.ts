import { hash } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import type { CallerHeaders } from '../relay/forwarded-headers.ts';
import type { Plan } from './plan.ts';
import type { Provider } from './provider.ts';

/** A caller's token that was found to be good. */
export interface Subject {
  readonly token: string;
  /** SHA-256 of the token: what may be kept and compared. */
  readonly id: string;
  readonly iss: string;
  readonly sub: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Why a caller's token is not taken; a sentence without the token. */
export class SubjectRefused extends Error {}

const MAX_KNOWN = 10_000;
const MAX_LENGTH = 16_384;
/** Signatures of which only the provider has the key. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Keys of this gateway, which stand in the same header where the caller has nothing else. */
const OUR_KEY = /^(?:sk-bf-|bfst-)/i;

/** The token that a request comes with, in the header where the plan expects it. Nothing about it is checked. */
export function subjectTokenIn(headers: CallerHeaders, { subject: { header } }: Plan): string | undefined {
  const value = headers[header];
  if (typeof value !== 'string') return undefined;
  const [, token] = /^bearer\s+(.*)$/is.exec(value) ?? [];
  const text = (token ?? (header === 'authorization' ? '' : value)).trim();
  return text === '' || OUR_KEY.test(text) ? undefined : text;
}

/**
 * Checks tokens of callers before they leave the gateway: signed by the provider, for this gateway, not over. Without the check of
 * the audience any application to which a person signs in could act here in their name (RFC 8725 §3.9).
 */
export function createSubjects(providerOf: (plan: Plan) => Promise<Provider>) {
  const known = new Map<string, Subject>();

  async function verify(plan: Plan, token: string, key: string): Promise<Subject> {
    if (token.length > MAX_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new SubjectRefused('it is no JWT');
    const { jwtVerify } = await import('jose');
    const provider = await providerOf(plan);
    const { payload } = await jwtVerify(token, provider.keys, {
      issuer: provider.issuer,
      audience: plan.subject.audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['exp', 'sub'],
    }).catch((error: unknown) => {
      throw refusal(error, plan);
    });
    const { iss = '', sub = '', exp = 0 } = payload;
    // Bound to a key that the caller has to show, which nobody asks for here (RFC 7800).
    if (payload['cnf'] !== undefined) throw new SubjectRefused('it is bound to a key of its sender');
    if (sub === '') throw new SubjectRefused('it names nobody');
    const subject = { token, id: hash('sha256', token), iss, sub, expiresAt: exp * 1000 };
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, subject);
    return subject;
  }

  return async (plan: Plan, token: string): Promise<Subject> => {
    const key = hash('sha256', JSON.stringify([plan.provider, plan.subject, token]));
    const subject = known.get(key);
    if (subject === undefined) return verify(plan, token, key);
    if (subject.expiresAt > Date.now()) return subject;
    known.delete(key);
    throw new SubjectRefused('it has expired');
  };
}

function refusal(error: unknown, { subject, provider }: Plan): Error {
  if (error instanceof GatewayError) return error;
  const { code, claim } = error as { code?: unknown; claim?: unknown };
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return new SubjectRefused('it has expired');
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      if (claim === 'aud') return new SubjectRefused(`it is not for this gateway: aud must name "${subject.audience}"`);
      if (claim === 'iss') return new SubjectRefused(`it is not of ${provider.issuer}`);
      return new SubjectRefused(`its claim ${String(claim)} is missing or wrong`);
    case 'ERR_JOSE_GENERIC':
    case 'ERR_JWKS_TIMEOUT':
    case 'ERR_JWKS_INVALID':
    case undefined:
      return new GatewayError('upstream_unreachable', `the keys of ${provider.issuer} cannot be read`, {
        cause: error,
      });
    default:
      return new SubjectRefused(`it is not signed by ${provider.issuer}`);
  }
}
