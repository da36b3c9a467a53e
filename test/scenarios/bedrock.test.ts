import { afterEach, expect, test, vi } from 'vitest';
import { listenOnLoopback } from '../kit/http-host.ts';
import { addProvider, startModelScene } from '../kit/models.ts';

afterEach(() => vi.unstubAllEnvs());

const QUESTION = { model: 'bedrock/amazon.nova-lite-v1:0', messages: [{ role: 'user', content: 'hi' }] };
const ANSWER = {
  output: { message: { role: 'assistant', content: [{ text: 'hello' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
};

/** The environment of a machine with no credentials at all. */
function stubBareMachine(): void {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_WEB_IDENTITY_TOKEN_FILE'])
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', undefined);
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', undefined);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_REGION', 'eu-north-1');
}

const bare = { keys: [{ name: 'ambient', models: ['*'], weight: 1 }] };

test('a key that says nothing asks Bedrock with the role of the instance that the gateway runs on', async () => {
  const paths: string[] = [];
  const imds = await listenOnLoopback((request, response) => {
    paths.push(`${request.method} ${request.url}`);
    const told = { AccessKeyId: 'ASIAEC2', SecretAccessKey: 's', Token: 't', Expiration: '2999-01-01T00:00:00Z' };
    const isLast = request.url?.endsWith('/role') === true;
    response.end(isLast ? JSON.stringify(told) : request.method === 'PUT' ? 'token' : 'role');
  });
  stubBareMachine();
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined);
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', imds.origin);
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await addProvider(gateway, 'bedrock', models.anthropicUrl, bare);
  models.script({ raw: { status: 200, body: JSON.stringify(ANSWER) } });
  for (let turn = 0; turn < 2; turn += 1) {
    const { status, body } = await gateway.api('POST', '/v1/chat/completions', QUESTION);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain('hello');
  }
  expect(models.calls.map(({ headers }) => headers.authorization?.slice(0, 40))).toEqual(
    Array.from({ length: 2 }, () => expect.stringContaining('Credential=ASIAEC2/') as unknown),
  );
  expect(models.calls[0]?.headers['x-amz-security-token']).toBe('t');
  expect(paths).toHaveLength(3); // for both
  await imds.stop();
});

test('on a machine without credentials the answer says what was tried, and nothing is sent', async () => {
  stubBareMachine();
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await addProvider(gateway, 'bedrock', models.anthropicUrl, bare);
  const { status, body } = await gateway.api('POST', '/v1/chat/completions', QUESTION);
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toMatch(/key \\"ambient\\" of bedrock.*tried: environment.*AWS_EC2_METADATA_DISABLED/);
  expect(models.calls).toEqual([]);
});

test('where a server is registered, and where a provider is, the addresses of the metadata service stay closed', async () => {
  stubBareMachine();
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIA');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
  await using scene = await startModelScene();
  await addProvider(scene.gateway, 'bedrock', 'http://169.254.169.254', bare);
  const { status, body } = await scene.gateway.api('POST', '/v1/chat/completions', QUESTION);
  expect(status).toBe(403);
  expect(JSON.stringify(body)).toContain('metadata address');
});
