import type { McpClientUpdate } from '../contract/mcp-client.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { Secret, type SecretInput } from '../lib/secret.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { isPerUser } from './client-config.ts';
import { invalid } from './client-rules.ts';
import type { ExchangeProblem, Exchanges } from './exchange/exchanges.ts';
import { conceal } from './personal/conceal.ts';
import { fixedAuth, readSample } from './personal/header-values.ts';
import type { Personal } from './personal/kind.ts';
import type { CallerHeaders } from './relay/forwarded-headers.ts';
import type { Auth } from './transport/auth.ts';
import type { Verified, Verify } from './upstream/verify.ts';

/** Header values that an administrator tries a server with. */
export type Sample = Readonly<Record<string, SecretInput>>;

/** What a caller would come with, to list the tools with. */
export type Credential = Pick<McpClientUpdate, 'user_headers' | 'subject_token'>;

/** Connections that are made to see whether a record works. */
export interface Trials {
  /**
   * Connects as a record says; where each caller has a credential of their own, with the one for this alone, and not at all without
   * it. Throws `upstream_refused`.
   */
  connect(client: McpClient, credential: Credential): Promise<Verified | undefined>;
  withHeaders(client: McpClient, sample: Sample): Promise<Verified>;
  /** With the token that was given, else with that in the header in which callers send theirs. */
  withToken(client: McpClient, token: string, headers?: CallerHeaders): Promise<Verified>;
}

export interface TrialDeps {
  readonly verify: Verify;
  /** The administrator's credential, by which the tools of a server are listed to which each caller signs in. */
  readonly adminAuth: (client: McpClient) => Auth | undefined;
  readonly exchanges: Pick<Exchanges, 'check' | 'credentialOf' | 'tokenIn'>;
}

export function createTrials({ verify, adminAuth, exchanges }: TrialDeps): Trials {
  async function withToken(client: McpClient, sent: string, headers: CallerHeaders = {}): Promise<Verified> {
    const token = sent || exchanges.tokenIn(client, headers).token;
    if (token === undefined) throw invalid('subject_token', 'is missing: send a token of the identity provider');
    const refuse = ({ reason }: ExchangeProblem) => invalid('subject_token', reason);
    return tryOut(client, await exchanges.credentialOf({ client, token, caller: 'administrator', refuse }));
  }

  function withHeaders(client: McpClient, sample: Sample): Promise<Verified> {
    const values = readSample(client, sample);
    return tryOut(client, { auth: fixedAuth(values), secrets: () => Object.values(values) });
  }

  async function tryOut(client: McpClient, { auth, secrets }: Pick<Personal, 'auth' | 'secrets'>): Promise<Verified> {
    try {
      return await verify(client, { auth });
    } catch (error) {
      throw new GatewayError('upstream_refused', `Verification failed: ${conceal(messageOf(error), secrets())}`);
    }
  }

  async function connectShared(client: McpClient, auth: Auth | undefined): Promise<Verified> {
    try {
      return await verify(client, { auth });
    } catch (error) {
      const message = `cannot connect to ${client.name}: ${messageOf(error)}`;
      // The one failure that is no fault of the server: nothing was asked of it.
      const blocked = error instanceof GatewayError && error.code === 'egress_blocked' ? error : undefined;
      const details = blocked?.details && { details: { ...blocked.details } };
      throw new GatewayError(blocked?.code ?? 'upstream_refused', message, { cause: error, ...details });
    }
  }

  return {
    withHeaders,
    withToken,
    async connect(client, { user_headers, subject_token }) {
      if (!isPerUser(client) || client.auth_type === 'per_user_oauth') return connectShared(client, adminAuth(client));
      if (client.auth_type === 'token_exchange') {
        await exchanges.check(client);
        const token = Secret.parse(subject_token ?? '').resolve();
        return token === '' ? undefined : withToken(client, token);
      }
      return user_headers === null || user_headers === undefined ? undefined : withHeaders(client, user_headers);
    },
  };
}
