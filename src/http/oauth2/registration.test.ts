import { expect, test } from 'vitest';
import { readRegistration, writeRegistration } from './registration.ts';

const read = (body: object) => readRegistration(JSON.stringify(body));
const redirect_uris = ['http://localhost:3000/callback', 'cursor://app/callback'];

test('whatever it asks for, a client becomes a public one with the grants that there are', () => {
  const asked = {
    client_name: 'App',
    redirect_uris,
    grant_types: ['authorization_code', 'refresh_token', 'implicit', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'everything',
    jwks_uri: 'http://169.254.169.254/keys',
    client_uri: 'javascript:alert(1)',
  };
  expect(read(asked)).toEqual({
    metadata: {
      client_name: 'App',
      redirect_uris,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  });
  expect(read({ redirect_uris, grant_types: ['authorization_code'] })).toMatchObject({
    metadata: { grant_types: ['authorization_code'] },
  });
});

test.each([
  ['no JSON', 'nonsense'],
  ['no redirect address', '{}'],
  ['an empty list of them', '{"redirect_uris":[]}'],
  ['a list that is none', '{"redirect_uris":"http://localhost/"}'],
  ['only the implicit flow', '{"redirect_uris":["http://localhost/"],"response_types":["token"]}'],
  ['no grant that there is', '{"redirect_uris":["http://localhost/"],"grant_types":["password"]}'],
])('%s is refused', (_name, body) => {
  expect(readRegistration(body)).toEqual({ fault: expect.any(String) });
});

test('a client reads back only what means something to it', () => {
  expect(writeRegistration({ client_id: 'c', redirect_uris, id_token_signed_response_alg: 'RS256' })).toEqual({
    client_id: 'c',
    redirect_uris,
  });
});
