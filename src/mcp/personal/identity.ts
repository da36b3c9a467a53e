import { createHash } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import { mask } from '../../lib/secret.ts';
import type { ClientRequest } from '../client-side.ts';
import type { Holder, IdentityMode } from '../../store/holder.ts';

/** What of a request says on whose behalf it is. */
export type PersonalRequest = Pick<ClientRequest, 'caller' | 'headers' | 'params'>;

/** Whoever knows a session id uses its credentials, so it must be hard to guess. */
const SESSION_ID = /^[\x21-\x7e]{16,255}$/;
/** Also the name of an account in a header, so ASCII. */
const LABEL = /^[A-Za-z0-9 ._@+-]{0,64}$/;
const SESSION_HEADER = 'x-bf-mcp-session-id';
const ACCOUNT_HEADER = 'x-asbru-account';

/** On whose behalf a request is made: of the person who signed in, else the key, else the session; undefined: of nobody. */
export function identityOf({ caller, headers }: Omit<PersonalRequest, 'params'>): Omit<Holder, 'label'> | undefined {
  const { user, kind, key } = caller;
  if (user !== undefined) return identity('user', user.id, user.name);
  if (key !== undefined) return identity('vk', key.id, key.name);
  if (kind === 'operator') return identity('user', caller.principal, caller.name);
  const session = headers[SESSION_HEADER];
  if (session === undefined || session === '') return undefined;
  if (typeof session === 'string' && SESSION_ID.test(session))
    return identity('session', createHash('sha256').update(session).digest('hex'), mask(session));
  throw new GatewayError('invalid_request', `${SESSION_HEADER}: must be 16 to 255 visible ASCII characters, at random`);
}

/** Which account of its identity a request wants: what the call says, else its header, else the first. */
export function labelOf({ headers, params }: Omit<PersonalRequest, 'caller'>): string {
  const { account } = params;
  return checkLabel(account ?? String(headers[ACCOUNT_HEADER] ?? ''));
}

/** The name of an account as it is kept. Throws `invalid_request`. */
export function checkLabel(text: string): string {
  const label = text.trim();
  if (LABEL.test(label)) return label;
  throw new GatewayError(
    'invalid_request',
    'account: must be up to 64 letters, digits, blanks or any of . _ @ + - (x-asbru-account, _meta "asbru/account")',
  );
}

/** Whether it is one of those on whose behalf calls are made. */
export function isIdentityMode(mode: string): mode is IdentityMode {
  return mode === 'user' || mode === 'vk' || mode === 'session';
}

function identity(mode: IdentityMode, id: string, name: string): Omit<Holder, 'label'> {
  return { mode, identity: id, identity_name: name };
}
