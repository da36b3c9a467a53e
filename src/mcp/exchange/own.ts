import type { McpAuthRequired } from '../../contract/mcp-session.ts';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OwnAuth } from '../credentials.ts';
import { checkAccess, type PersonalServer } from '../personal/access.ts';
import { conceal, concealAll } from '../personal/conceal.ts';
import { identityOf, type PersonalRequest } from '../personal/identity.ts';
import type { ExchangedCredential, ExchangeProblem, Exchanges } from './exchanges.ts';

/**
 * The credential of a call to a server of `auth_type: token_exchange`: the token that the caller sends along, exchanged for one
 * that the server takes. Whoever is signed in to the gateway can only be who the token says.
 */
export function createOwnExchange(exchanges: Exchanges) {
  return async ({ client, grants }: PersonalServer, request: PersonalRequest): Promise<OwnAuth> => {
    const identity = identityOf(request);
    if (identity !== undefined) checkAccess({ client, grants }, identity);
    const { header, token } = exchanges.tokenIn(client, request.headers);
    if (token === undefined) throw tokenMissing(client, header);
    const caller = JSON.stringify([identity?.mode ?? '', identity?.identity ?? '']);
    const credential = await exchanges.credentialOf({ client, token, caller, refuse: tokenRefused });
    checkPerson(request, credential, client);
    const { key, auth, subject } = credential;
    // Before a connection is opened for it: what is refused is refused with one request.
    await auth.headers();
    const holder = identity ?? { mode: 'session', identity: `${subject.iss} ${subject.sub}` };
    return {
      ...{ client, key, auth, holder },
      credential: JSON.stringify([caller, subject.iss, subject.sub]),
      explain: (error) => Promise.resolve(explain(error, credential)),
    };
  };
}

/** A virtual key or API key is nobody in particular. A person who is signed in must not act as another. */
function checkPerson({ caller }: PersonalRequest, { subject }: ExchangedCredential, client: McpClient): void {
  if (caller.user === undefined || caller.user.subject === `${subject.iss} ${subject.sub}`) return;
  const message =
    caller.user.subject === undefined
      ? `${client.name}: your account is not one of the identity provider, so the token may be anybody's`
      : `${client.name}: the token is of somebody else than who is signed in`;
  throw new GatewayError('forbidden', message, { details: { step: 'subject_token', mcp_client_id: client.client_id } });
}

function tokenMissing(client: McpClient, header: string): GatewayError {
  const where = header === 'authorization' ? '"Authorization: Bearer <token>" (and your key as "x-bf-vk")' : header;
  const message = `Authentication required for ${client.name}: send your token of the identity provider as ${where}`;
  return required(client, message, { subject_token_missing: true });
}

function tokenRefused({ client, step, reason }: ExchangeProblem): GatewayError {
  const what = step === 'subject' ? 'the token that you sent is not accepted' : 'your token was not exchanged';
  return required(client, `Authentication required for ${client.name}: ${what}: ${reason}`, { exchange_error: reason });
}

function required({ client_id, name }: McpClient, message: string, more: Partial<McpAuthRequired>): GatewayError {
  const mcp_auth_required: McpAuthRequired = {
    ...{ kind: 'exchange', mcp_client_id: client_id, mcp_client_name: name, message },
    ...more,
  };
  return new GatewayError('mcp_auth_required', message, { details: { mcp_auth_required } });
}

/** What the caller may see: a server may well repeat the token that it does not like. */
function explain(error: unknown, { secrets }: ExchangedCredential): unknown {
  if (!(error instanceof GatewayError)) return error;
  const { code, details } = error;
  const hidden = secrets();
  return new GatewayError(code, conceal(messageOf(error), hidden), {
    ...(details && { details: concealAll(details, hidden) as Record<string, unknown> }),
  });
}
