import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchangeSettings, startExchangeProvider, type ExchangeProvider } from '../../../test/kit/exchange-provider.ts';
import { exampleClient } from '../../../test/kit/clients.ts';
import type { TokenExchangeInput } from '../../contract/token-exchange.ts';
import { ANONYMOUS, callerOfUser, type Caller } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import { toRelayParams } from '../relay/relay-params.ts';
import { createExchanges } from './exchanges.ts';
import { createOwnExchange } from './own.ts';
import { patchTokenExchange } from './record.ts';

let idp: ExchangeProvider;
beforeAll(async () => void (idp = await startExchangeProvider()));
afterAll(() => idp[Symbol.asyncDispose]());

function person(sso_subject: string | undefined): Caller {
  return callerOfUser({ id: 'u1', username: 'ann', role: 'admin', sso_subject });
}

/** Asks for the credential of a call; gives it, or what it is refused with. */
async function ask(
  caller: Caller,
  sub: string,
  settings: TokenExchangeInput = exchangeSettings(idp),
): Promise<unknown> {
  const auth = { issuer: idp.issuer, client_id: idp.clientId, client_secret: idp.clientSecret };
  const own = createOwnExchange(createExchanges({ fetchFor: () => (url, init) => fetch(url, init), idp: auth }));
  const client = exampleClient({
    auth_type: 'token_exchange',
    token_exchange: patchTokenExchange(settings, undefined),
  });
  const headers = { authorization: `Bearer ${await idp.tokenOf(sub)}` };
  const request = { caller, headers, params: toRelayParams('{}') };
  return own({ client, grants: new Map() }, request).catch((error: unknown) => error);
}

test('whoever is signed in can only be who the token says, by issuer and subject', async () => {
  expect(await ask(person(`${idp.issuer} ann`), 'ann')).toMatchObject({ holder: { mode: 'user', identity: 'u1' } });
  for (const caller of [person(`${idp.issuer} ben`), person('https://other.example ann'), person(undefined)]) {
    const before = idp.exchanges.length;
    const refused = await ask(caller, 'ann');
    expect(refused).toBeInstanceOf(GatewayError);
    expect(refused).toHaveProperty('code', 'forbidden');
    expect(idp.exchanges.length).toBe(before);
  }
});

test('who comes without a key is who the token says', async () => {
  const [ann, ben] = [await ask(ANONYMOUS, 'ann'), await ask(ANONYMOUS, 'ben')] as { key: string }[];
  expect(ann?.key).toMatch(/^[0-9a-f]{64}$/);
  expect(ann?.key).not.toBe(ben?.key);
});

test('the provider of single sign-on serves, without being told again who it is', async () => {
  expect(await ask(ANONYMOUS, 'ann', { use_idp_credentials: true })).toHaveProperty('key');
  expect(idp.exchanges.at(-1)).toMatchObject({ resource: 'https://wiki.example/mcp' });
});
