import { GatewayError } from '../../lib/errors.ts';
import { hashText, type OAuthFlow } from '../../store/oauth-flows.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import type { Executor } from '../../store/schema.ts';
import type { Finished } from './oauth.ts';
import { newToken } from './sign-in-parts.ts';
import type { SignInDeps } from './sign-in.ts';
import { isUnknownClient, requestTokens, type Granted } from './token-endpoint.ts';
import { createTrace, printable, type Trace } from './trace.ts';

interface Answer {
  readonly query: URLSearchParams;
  readonly bind?: string | undefined;
}

type Deps = Pick<SignInDeps, 'database' | 'store' | 'changes' | 'fetchFor'> & {
  /** Part of the transaction that keeps a person's token; throws when nobody waits for it any more. */
  readonly onUser?: ((tx: Executor, flow: OAuthFlow) => Promise<void>) | undefined;
};

/** The second half of a sign-in: what the browser brings back, checked before any of it is believed. */
export function createFinish(deps: Deps): (answer: Answer) => Promise<Finished> {
  const { store, changes, database } = deps;

  return async ({ query, bind }) => {
    const flow = await take(query, bind);
    const config = await store.configs.find(flow.config_id);
    const trace = createTrace(deps.fetchFor(flow.resource));
    try {
      if (config === undefined || config.issuer !== flow.issuer || config.status === 'revoked') {
        throw new GatewayError('wrong_state', 'The configuration changed since this sign-in began. Begin again.');
      }
      const code = await readCode(query, config, trace);
      const granted = await redeem(code, flow, config, trace);
      await keep(flow, config, granted, trace);
      const identity = isIdentity(flow.mode) ? { mode: flow.mode, id: flow.identity } : undefined;
      return { purpose: flow.purpose, config, client_id: flow.client_id, identity, flow };
    } catch (error) {
      throw await fail(flow, error, trace);
    }
  };

  /** Finds the flow that `state` names and takes it: no answer is looked at twice. */
  async function take(query: URLSearchParams, bind: string | undefined): Promise<OAuthFlow> {
    const state = query.get('state') ?? '';
    if (state === '') throw new GatewayError('invalid_request', 'The parameter "state" is missing.');
    const flow = await store.flows.findByState(state);
    if (flow === undefined) throw new GatewayError('invalid_request', 'This sign-in is not known here. Begin again.');
    // Before it is taken: a wrong browser must not use it up for the right one.
    if (flow.bind_hash !== undefined && (bind === undefined || hashText(bind) !== flow.bind_hash)) {
      throw new GatewayError(
        'forbidden',
        'This sign-in was begun in another browser. Finish it there, or begin again here.',
      );
    }
    const isOver = flow.expires_at <= Date.now();
    if (isOver && flow.status === 'pending')
      await fail(flow, EXPIRED, createTrace(deps.fetchFor(flow.resource)), 'expired');
    if (isOver) throw EXPIRED;
    if (!(await store.flows.claim(flow.id))) {
      throw new GatewayError('wrong_state', 'This sign-in has been used already. Begin again if it did not succeed.');
    }
    return flow;
  }

  async function redeem(code: string, flow: OAuthFlow, config: OAuthConfig, trace: Trace): Promise<Granted> {
    const { server } = config;
    if (server === undefined) throw new GatewayError('wrong_state', 'The sign-in did not begin here.');
    const client = { ...config, ...flow.registration };
    const parameters = {
      grant_type: 'authorization_code',
      code,
      code_verifier: flow.verifier,
      redirect_uri: flow.redirect_uri,
      resource: flow.resource,
    };
    const about = { step: 'token', rule: 'OAuth 2.1 §4.1.3: the code is redeemed with its verifier' };
    try {
      return await requestTokens({ config: client, server, parameters, about, trace });
    } catch (error) {
      if (isUnknownClient(error)) await store.configs.forgetRegistration(config.id, client.client_id);
      throw error;
    }
  }

  async function keep(flow: OAuthFlow, config: OAuthConfig, granted: Granted, trace: Trace): Promise<void> {
    const { config_id, client_id, mode, identity, label } = flow;
    const token = newToken({ config_id, client_id, mode, identity, label }, granted, flow);
    const saved = await database.transaction(async (tx) => {
      const stores = store.with(tx);
      // Before the token: whoever takes the sign-in back takes the token with it, or makes it fail here.
      if (!(await stores.flows.end(flow.id, 'done')))
        throw new GatewayError('wrong_state', 'This sign-in was taken back meanwhile. Begin again.');
      if (flow.purpose === 'user') await deps.onUser?.(tx, flow);
      const saved = await stores.tokens.save(token);
      if (flow.purpose === 'admin') await stores.configs.setStatus(config.id, 'authorized', undefined);
      await stores.configs.saveTrace(config.id, [...(await stores.configs.loadTrace(config.id)), ...trace.steps]);
      return saved;
    });
    await changes.publish('oauth_configs', config.id);
    await changes.publish('oauth_tokens', saved.id);
  }

  /** Writes down why, and gives the error to throw. */
  async function fail(
    flow: OAuthFlow,
    error: unknown,
    trace: Trace,
    status: 'failed' | 'expired' = 'failed',
  ): Promise<unknown> {
    const known = error instanceof GatewayError ? error : undefined;
    const reason = known?.message ?? 'internal error';
    await database.transaction(async (tx) => {
      const { flows, configs } = store.with(tx);
      await flows.end(flow.id, status, reason);
      if (flow.purpose === 'admin') await configs.setStatus(flow.config_id, status, reason);
      await configs.saveTrace(flow.config_id, [...(await configs.loadTrace(flow.config_id)), ...trace.steps]);
    });
    await changes.publish('oauth_configs', flow.config_id);
    if (known === undefined) return error;
    const details = { ...known.details, purpose: flow.purpose, oauth_config_id: flow.config_id };
    return new GatewayError(known.code, known.message, { cause: error, details });
  }
}

const EXPIRED = new GatewayError('wrong_state', 'The time for this sign-in is over. Begin again.');

/** Who answers is settled first; nothing of an answer from somebody else is shown, which could be made to mislead (RFC 9207). */
async function readCode(query: URLSearchParams, { server }: OAuthConfig, trace: Trace): Promise<string> {
  const about = { step: 'authorization_response', rule: 'RFC 9207 §2.4: iss must be the issuer that was asked' };
  const { validateAuthorizationResponseIssuer } = await import('@modelcontextprotocol/client');
  try {
    validateAuthorizationResponseIssuer({
      iss: query.get('iss') ?? undefined,
      expectedIssuer: server?.isVerified === true ? server.issuer : undefined,
      issParameterSupported: server?.authorization_response_iss_parameter_supported === true,
    });
  } catch {
    throw trace.fail(about, 'The answer came from another authorization server than the one that was asked');
  }
  const error = query.get('error');
  if (error !== null) {
    const description = query.get('error_description');
    const said = description === null ? '' : `: ${printable(description, 200)}`;
    const code = printable(error, 60);
    trace.note({ ...about, outcome: 'failed', detail: `${code}${said}` });
    throw new GatewayError('invalid_request', `The authorization server refused (${code}${said})`, {
      details: { oauth_error: code },
    });
  }
  const code = query.get('code') ?? '';
  if (code === '') throw new GatewayError('invalid_request', 'The parameter "code" is missing.');
  trace.note({ ...about, outcome: 'ok' });
  return code;
}

function isIdentity(mode: OAuthFlow['mode']): mode is 'user' | 'vk' | 'session' {
  return mode === 'user' || mode === 'vk' || mode === 'session';
}
