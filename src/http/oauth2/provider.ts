import type { Interaction } from 'oidc-provider';
import { GatewayError } from '../../lib/errors.ts';
import { createAsk, type Answer, type Question } from './ask-provider.ts';
import { cleanName } from './client-name.ts';
import { providerConfig, SCOPE, type ProviderParts } from './provider-config.ts';

/** A sign-in that waits for the decision of a user. */
export interface SignIn {
  readonly id: string;
  readonly clientId: string;
  /** What the client calls itself; nobody has checked it. */
  readonly clientName: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Yes, in the name of this principal; or no. */
export type Decision = { readonly principal: string } | 'denied';

/** The authorization server for one address of this gateway. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly resource: string;
  /** Passes one request on to the library. */
  ask(question: Question): Promise<Answer>;
  findSignIn(id: string): Promise<SignIn | undefined>;
  /** Ends a sign-in, and gives the address to send the browser to. */
  decide(id: string, decision: Decision): Promise<string>;
}

const RESUME_COOKIE = '_interaction_resume';

/** Makes the authorization server. The library is loaded now: a gateway without OAuth never pays for it. */
export async function openProvider(issuer: string, parts: ProviderParts): Promise<AuthorizationServer> {
  const library = await import('oidc-provider');
  const provider = new library.default(issuer, providerConfig(library, parts));
  const ask = createAsk(provider);
  const { resource } = parts;

  async function find(id: string): Promise<Interaction | undefined> {
    // Ids come from addresses; the library makes them of these characters.
    return /^[\w-]{16,64}$/.test(id) ? provider.Interaction.find(id) : undefined;
  }

  return {
    issuer,
    resource,
    ask,
    async findSignIn(id) {
      const interaction = await find(id);
      if (interaction === undefined) return undefined;
      const { client_id: clientId, redirect_uri: redirectUri } = interaction.params as Record<string, string>; // checked by the library
      const client = await provider.Client.find(clientId ?? '');
      if (client === undefined) return undefined;
      return {
        id,
        clientId: client.clientId,
        clientName: cleanName(client.clientName, client.clientId),
        redirectUri: redirectUri ?? '',
        scopes: [SCOPE],
        expiresAt: interaction.exp * 1000,
      };
    },
    async decide(id, decision) {
      const interaction = await find(id);
      if (interaction === undefined) throw new GatewayError('not_found', 'this sign-in is over; begin again');
      if (decision === 'denied') {
        interaction.result = { error: 'access_denied', error_description: 'the user said no' };
      } else {
        const { principal } = decision;
        const grant = new provider.Grant({ accountId: principal, clientId: String(interaction.params.client_id) });
        grant.addResourceScope(resource, SCOPE);
        interaction.result = { login: { accountId: principal }, consent: { grantId: await grant.save() } };
      }
      await interaction.persist();
      const headers = { cookie: `${RESUME_COOKIE}=${id}` };
      const { location, body } = await ask({ method: 'GET', path: `/oauth2/authorize/${id}`, headers });
      if (location === undefined) throw new Error(`a decision led nowhere: ${JSON.stringify(body)}`);
      return location;
    },
  };
}
