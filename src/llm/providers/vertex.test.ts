import { generateKeyPairSync } from 'node:crypto';
import { importSPKI, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { createProviderKey } from '../../../test/kit/provider-key.ts';
import type { Fetch } from '../../lib/guarded-fetch.ts';
import { Secret } from '../../lib/secret.ts';
import type { ProviderCall, ProviderRequest } from './provider.ts';
import { createVertexProvider } from './vertex.ts';

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const account = {
  type: 'service_account',
  client_email: 'gateway@project.iam.gserviceaccount.com',
  private_key: keys.privateKey,
  private_key_id: 'k1',
  token_uri: 'https://oauth2.googleapis.com/token',
};

/** Google as far as it gives tokens: it counts them, and answers as `respond` says. */
function createGoogle(respond: (count: number) => Response = (count) => token(`ya29.${count}`)) {
  const asked: { url: string; form: URLSearchParams }[] = [];
  let time = Date.now();
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    asked.push({ url: request.url, form: new URLSearchParams(await request.text()) });
    return respond(asked.length);
  };
  const provider = createVertexProvider({ fetch, now: () => time });
  return {
    asked,
    pass: (milliseconds: number) => (time += milliseconds),
    address: async (credentials: string, call: Partial<ProviderCall> = {}): Promise<ProviderRequest> =>
      provider.address({
        format: 'codec',
        model: 'gemini-2.5-pro',
        isStream: false,
        body: Buffer.from('{}'),
        baseUrl: undefined,
        key: createKey('my-project', 'europe-north1', Secret.literal(credentials)),
        ...call,
      }),
  };
}

function createKey(project_id: string, region: string, auth_credentials: Secret, value = Secret.empty) {
  return createProviderKey({ provider: 'vertex', value, vertex: { project_id, region, auth_credentials } });
}

function token(access_token: string): Response {
  return Response.json({ access_token, expires_in: 3600, token_type: 'Bearer' });
}

describe('a service account', () => {
  test('shows who it is with a signed statement, and the token opens the request', async () => {
    const google = createGoogle();
    const { headers } = await google.address(JSON.stringify(account));
    expect(headers).toEqual({ authorization: 'Bearer ya29.1', 'content-type': 'application/json' });
    const [asked] = google.asked;
    expect(asked?.url).toBe(account.token_uri);
    expect(asked?.form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const { payload, protectedHeader } = await jwtVerify(
      asked?.form.get('assertion') ?? '',
      await importSPKI(keys.publicKey, 'RS256'),
      { issuer: account.client_email, audience: account.token_uri },
    );
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
    expect(payload.scope).toBe('https://www.googleapis.com/auth/cloud-platform');
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  });

  test('fetches one token for many requests, also at once, and a new one before it ends', async () => {
    const google = createGoogle();
    const many = async (): Promise<(string | undefined)[]> => {
      const requests = await Promise.all([1, 2, 3].map(async () => google.address(JSON.stringify(account))));
      return requests.map(({ headers }) => headers.authorization);
    };
    expect(await many()).toEqual(['Bearer ya29.1', 'Bearer ya29.1', 'Bearer ya29.1']);
    google.pass(3600_000 - 61_000);
    expect(await many()).toContain('Bearer ya29.1');
    google.pass(2000);
    expect(await many()).toEqual(['Bearer ya29.2', 'Bearer ya29.2', 'Bearer ya29.2']);
    expect(google.asked).toHaveLength(2);
  });

  test('that is refused is told so, and tried again the next time', async () => {
    const google = createGoogle((count) =>
      count === 1
        ? Response.json({ error: 'invalid_grant', error_description: 'Account deleted.' }, { status: 400 })
        : token('t'),
    );
    await expect(google.address(JSON.stringify(account))).rejects.toMatchObject({
      code: 'upstream_unauthorized',
      message: expect.stringContaining('Account deleted.') as unknown,
    });
    expect((await google.address(JSON.stringify(account))).headers.authorization).toBe('Bearer t');
  });

  test.each([
    ['no JSON', 'hunter2', 'must be the JSON file of a service account'],
    ['no address of mail', JSON.stringify({ ...account, client_email: undefined }), 'client_email: is missing'],
    ['no private key', JSON.stringify({ ...account, private_key: undefined }), 'private_key: is missing'],
    [
      'a broken private key',
      JSON.stringify({ ...account, private_key: 'hunter2' }),
      'private_key: is not a private key',
    ],
    [
      'an open token address',
      JSON.stringify({ ...account, token_uri: 'http://x/' }),
      'token_uri: must be an https address',
    ],
  ])('with %s is refused without showing the secret', async (_what, credentials, rule) => {
    const google = createGoogle();
    const request = google.address(credentials);
    await expect(request).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(request).rejects.toThrow(rule);
    await expect(request).rejects.not.toThrow('hunter2');
    expect(google.asked).toEqual([]);
  });
});

describe('the address', () => {
  const value = Secret.literal('ya29.ready');
  const at = (project: string, region: string) => ({ key: createKey(project, region, Secret.empty, value) });
  const model = 'publishers/google/models/gemini-2.5-pro';

  test.each([
    [
      at('p', 'us-east1'),
      `https://us-east1-aiplatform.googleapis.com/v1/projects/p/locations/us-east1/${model}:generateContent`,
    ],
    [at('p', 'global'), `https://aiplatform.googleapis.com/v1/projects/p/locations/global/${model}:generateContent`],
    [at('p', 'eu'), `https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/${model}:generateContent`],
    [{ ...at('', ''), isStream: true }, `https://aiplatform.googleapis.com/v1/${model}:streamGenerateContent?alt=sse`],
    [
      { ...at('p', 'global'), model: '123', baseUrl: 'https://x.com' },
      'https://x.com/v1/projects/p/locations/global/endpoints/123:generateContent',
    ],
  ])('of a region', async (call, url) => {
    const google = createGoogle();
    expect((await google.address('', call)).url.href).toBe(url);
    expect(google.asked).toEqual([]);
  });

  test('is opened by a ready token, or by an API key', async () => {
    const google = createGoogle();
    expect((await google.address('', at('p', 'global'))).headers.authorization).toBe('Bearer ya29.ready');
    const key = createKey('', '', Secret.empty, Secret.literal('AIzaSy1'));
    expect((await google.address('', { key })).headers['x-goog-api-key']).toBe('AIzaSy1');
  });

  test('needs a region when there is a project, and a credential', async () => {
    const google = createGoogle();
    await expect(google.address('', at('p', ''))).rejects.toThrow('vertex_key_config.region');
    const key = createKey('p', 'global', Secret.empty);
    await expect(google.address('', { key })).rejects.toThrow('vertex_key_config.auth_credentials');
  });
});
