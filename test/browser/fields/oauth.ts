import { expect } from 'vitest';
import { exchangeSettings, startExchangeProvider } from '../../kit/exchange-provider.ts';
import { httpClient } from '../../kit/gateway.ts';
import { startOAuthServer, type OAuthServer } from '../../kit/oauth-server.ts';
import { startProtectedUpstream, type ProtectedUpstream } from '../../kit/oauth-upstream.ts';
import { callText } from '../../kit/scene.ts';
import { done, type FieldCase, type FieldRow, type World } from './field.ts';

/** Servers that want a token: OAuth, and tokens that are exchanged. */
export const OAUTH_ROWS: readonly FieldRow[] = [
  {
    fields: ['auth_type', 'oauth_config'],
    says: 'a server that wants a token is signed in to',
    tab: 'credentials',
    begin: (world) =>
      withOAuth(world, ({ server, upstream }) => ({
        client: httpClient(upstream.url, { disabled: true }),
        async edit(page) {
          await page.getByLabel('How the gateway signs in').selectOption('oauth');
          await page.getByLabel('Sign in anew with').fill('{"scopes": ["tools"]}');
        },
        sends: { auth_type: 'oauth', oauth_config: { scopes: ['tools'] } },
        shows: { config: { auth_type: 'oauth' } },
        async finish(page) {
          const address = await page.getByRole('link', { name: 'Open the sign-in page' }).getAttribute('href');
          await fetch(await server.browse(String(address)));
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        },
        async works() {
          done(await world.gateway.update('c1', { disabled: false }));
          expect(await callText(world.gateway, 'c1-echo', { text: 'hi' })).toBe('hi');
          expect(upstream.subjects.at(-1)).toBe(server.user);
        },
      })),
  },
  {
    fields: ['oauth_config_id'],
    says: 'a server takes over another configuration that was signed in to',
    tab: 'credentials',
    begin: (world) =>
      withOAuth(world, async ({ server, upstream }) => {
        const { gateway } = world;
        const signIn = async (body: Record<string, unknown>): Promise<void> => {
          await fetch(await server.browse(String(body['authorize_url'])));
        };
        const record = httpClient(upstream.url, { client_id: 'c1', auth_type: 'oauth', oauth_config: {} });
        const first = done(await gateway.api('POST', '/api/mcp/client', record));
        await signIn(first);
        done(await gateway.api('POST', String(first['complete_url'])));
        server.user = 'another admin';
        const next = done(await gateway.update('c1', { oauth_config: {} }));
        await signIn(next);
        const other = String(next['oauth_config_id']);
        return {
          client: () => Promise.resolve(), // it is there already
          edit: (page) => page.getByLabel('OAuth configuration in use').fill(other),
          sends: { oauth_config_id: other },
          async works() {
            expect(await callText(gateway, 'c1-echo', { text: 'hi' })).toBe('hi');
            expect(upstream.subjects.at(-1)).toBe('another admin');
          },
        };
      }),
  },
  {
    fields: ['auth_type', 'token_exchange', 'subject_token', 'disabled'],
    says: 'the token of each caller is exchanged for one that the server takes',
    tab: 'credentials',
    async begin({ gateway, key, cleanup }) {
      const idp = cleanup.use(await startExchangeProvider());
      const upstream = cleanup.use(await startProtectedUpstream(idp));
      const [mine, alices] = [await idp.tokenOf('the admin'), await idp.tokenOf('alice')];
      const token_exchange = exchangeSettings(idp);
      return {
        client: httpClient(upstream.url, { disabled: true, allow_on_all_virtual_keys: true }),
        async edit(page) {
          await page.getByLabel('How the gateway signs in').selectOption('token_exchange');
          await page.getByLabel('Token exchange').fill(JSON.stringify(token_exchange));
          await page.getByLabel('A token of yours').fill(mine);
          await page.getByRole('tab', { name: 'Connection' }).click();
          await page.getByRole('switch', { name: 'Enabled' }).click();
        },
        sends: { auth_type: 'token_exchange', token_exchange, subject_token: mine, disabled: false },
        shows: {
          state: 'connected',
          config: { auth_type: 'token_exchange', token_exchange: { authorization_server_url: idp.issuer } },
        },
        async works() {
          const headers = { 'x-bf-vk': key.value, authorization: `Bearer ${alices}` };
          done(await gateway.execute('c1-echo', { text: 'hi' }, headers));
          expect(upstream.subjects.at(-1)).toBe('alice');
          expect(upstream.tokens).not.toContain(alices);
        },
      };
    },
  },
];

async function withOAuth(
  { cleanup }: World,
  make: (parts: { server: OAuthServer; upstream: ProtectedUpstream }) => FieldCase | Promise<FieldCase>,
): Promise<FieldCase> {
  const server = cleanup.use(await startOAuthServer({ allowsRegistration: true }));
  return make({ server, upstream: cleanup.use(await startProtectedUpstream(server)) });
}
