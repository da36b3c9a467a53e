import { afterEach, describe, expect, test, vi } from 'vitest';
import { listenOnLoopback } from '../kit/http-host.ts';
import { addProvider, startModelScene } from '../kit/models.ts';
import type { ModelCall, ScriptedAnswer } from '../kit/model-server.ts';
import type { GatewayAccess } from '../kit/gateway.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import { waitFor } from '../kit/wait.ts';

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
  // Asked once by each node that takes a request.
  expect(paths).toHaveLength(3 * Math.min(NODE_COUNT, 2));
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

/** The latest of so many requests in the logs, once all of them are over. */
function lastRow(gateway: Pick<GatewayAccess, 'api'>, count: number): Promise<Record<string, unknown>> {
  return waitFor(async () => {
    const { body } = await gateway.api('GET', '/api/logs?order=asc');
    const { logs } = body as unknown as { logs: Record<string, unknown>[] };
    const isOver = logs.length === count && logs.every(({ status }) => status !== 'processing');
    return isOver ? logs.at(-1) : undefined;
  }, `${count} requests in the logs`);
}

describe('embeddings', () => {
  const TITAN = 'amazon.titan-embed-text-v2:0';
  const TEXTS = Array.from({ length: 12 }, (_, index) => `text ${index}`);
  const titan = ({ body }: ModelCall): ScriptedAnswer => {
    const number = Number(String(body['inputText']).slice(5));
    return { raw: { status: 200, body: JSON.stringify({ embedding: [number], inputTextTokenCount: 2 }) } };
  };

  async function startEmbeddingScene(more: Record<string, unknown> = {}) {
    const scene = await startModelScene();
    const { gateway, models } = scene;
    await addProvider(gateway, 'bedrock', models.anthropicUrl, more);
    const ask = (body: Record<string, unknown>) => gateway.api('POST', '/v1/embeddings', body);
    return { ...scene, ask, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
  }

  test('of several texts are one answer, in their order, whatever the model takes at once', async () => {
    await using scene = await startEmbeddingScene();
    const { models, gateway, ask } = scene;
    models.script(titan);
    const { status, body } = await ask({ model: `bedrock/${TITAN}`, input: TEXTS, dimensions: 256 });
    expect(status).toBe(200);
    expect(body).toEqual({
      object: 'list',
      data: TEXTS.map((_, index) => ({ object: 'embedding', index, embedding: [index] })),
      model: `bedrock/${TITAN}`,
      usage: { prompt_tokens: 24, total_tokens: 24 },
    });
    expect(new Set(models.calls.map(({ path }) => path))).toEqual(
      new Set([`/model/${encodeURIComponent(TITAN)}/invoke`]),
    );
    expect(models.calls).toHaveLength(TEXTS.length);
    expect(new Set(models.calls.map(({ body: sent }) => sent['inputText']))).toEqual(new Set(TEXTS));
    expect(models.calls[0]?.headers.authorization).toBe('Bearer sk-upstream');
    expect(await lastRow(gateway, 1)).toMatchObject({
      ...{ object: 'embedding', status: 'success', number_of_retries: 0 },
      token_usage: { prompt_tokens: 24, total_tokens: 24 },
    });
  });

  test('of which one fails are an error, and what the others used is on the record', async () => {
    await using scene = await startEmbeddingScene();
    const { models, gateway, ask } = scene;
    const refusal = { status: 400, body: JSON.stringify({ message: 'Too many input tokens.' }) };
    models.script((call) => (call.body['inputText'] === 'text 1' ? { raw: refusal } : titan(call)));
    const { status, body } = await ask({ model: `bedrock/${TITAN}`, input: ['text 1'] });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('Too many input tokens.');
    // With one place the first is over before the second is asked.
    await gateway.api('PUT', '/api/providers/bedrock', {
      network_config: { base_url: models.anthropicUrl },
      concurrency_and_buffer_size: { concurrency: 1, buffer_size: 1 },
    });
    expect((await ask({ model: `bedrock/${TITAN}`, input: ['text 0', 'text 1', ...TEXTS] })).status).toBe(400);
    expect(models.calls).toHaveLength(3);
    expect(await lastRow(gateway, 2)).toMatchObject({ status: 'error', token_usage: { prompt_tokens: 2 } });
  });

  test('are tried again one by one where that can help', async () => {
    await using scene = await startEmbeddingScene();
    const { models, gateway, ask } = scene;
    await gateway.api('PUT', '/api/providers/bedrock', {
      network_config: { base_url: models.anthropicUrl, max_retries: 1, retry_backoff_initial: 1 },
    });
    let failures = 0;
    models.script((call) =>
      call.body['inputText'] === 'text 1' && (failures += 1) === 1 ? { raw: { status: 503, body: '{}' } } : titan(call),
    );
    const { status } = await ask({ model: `bedrock/${TITAN}`, input: ['text 0', 'text 1'] });
    expect(status).toBe(200);
    expect(models.calls).toHaveLength(3);
    expect(await lastRow(gateway, 1)).toMatchObject({ number_of_retries: 1 });
  });

  test('whose provider does not count have a usage all the same, and it is an estimate', async () => {
    await using scene = await startEmbeddingScene();
    const { models, gateway, ask } = scene;
    models.script({ raw: { status: 200, body: JSON.stringify({ embeddings: [[0.5]] }) } });
    const { body } = await ask({ model: 'bedrock/cohere.embed-english-v3', input: 'a' });
    const { prompt_tokens, total_tokens } = body['usage'] as Record<string, number>;
    expect(prompt_tokens).toBeGreaterThan(0);
    expect(total_tokens).toBe(prompt_tokens);
    expect(await lastRow(gateway, 1)).toMatchObject({ token_usage: { prompt_tokens, is_estimate: true } });
  });

  test('of tokens are refused by the name of the field, and nothing is sent', async () => {
    await using scene = await startEmbeddingScene();
    const { status, body } = await scene.ask({ model: `bedrock/${TITAN}`, input: [[1, 2, 3]] });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('input[0]: must be a text');
    expect(scene.models.calls).toEqual([]);
  });
});
