import { startModelServer, type ModelServer, type ScriptedAnswer } from './model-server.ts';
import { startScene, type Scene } from './scene.ts';
import type { TestGateway } from './gateway.ts';
import { requestHeaders } from './wire.ts';

type JsonObject = Record<string, unknown>;

/** A gateway with a stand-in behind it as the providers "openai" and "anthropic", and one MCP server "c1". */
export interface ModelScene extends AsyncDisposable {
  readonly scene: Scene;
  readonly gateway: TestGateway;
  readonly models: ModelServer;
}

/** Starts it all. `client` changes the MCP server's record. */
export async function startModelScene(options: Parameters<typeof startScene>[0] = {}): Promise<ModelScene> {
  const models = await startModelServer();
  const scene = await startScene(options);
  const { gateway } = scene;
  await addProvider(gateway, 'openai', models.openaiUrl);
  await addProvider(gateway, 'anthropic', models.anthropicUrl);
  return {
    scene,
    gateway,
    models,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await models[Symbol.asyncDispose]();
    },
  };
}

/** Configures a provider with one key, "sk-upstream". */
export async function addProvider(
  gateway: Pick<TestGateway, 'api'>,
  provider: string,
  base_url: string,
  more: JsonObject = {},
): Promise<void> {
  const body = {
    provider,
    keys: [{ name: `${provider}-1`, value: 'sk-upstream', models: ['*'], weight: 1 }],
    network_config: { base_url },
    ...more,
  };
  const answer = await gateway.api('POST', '/api/providers', body);
  if (answer.status >= 300) throw new Error(`POST /api/providers: ${answer.status} ${JSON.stringify(answer.body)}`);
}

/** A question in chat completions, and in messages as well; without its model. */
export const QUESTION = { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };

/** The formats in which callers ask, each by its name, its address and a question for a provider that speaks it. */
export const FORMATS = [
  ['chat', '/v1/chat/completions', { ...QUESTION, model: 'openai/gpt-x' }],
  ['responses', '/v1/responses', { input: 'hi', model: 'openai/gpt-x' }],
  ['messages', '/v1/messages', { ...QUESTION, model: 'anthropic/claude-x' }],
] as const;

/** Configures the provider "xai" with two keys: "a", which is taken first, and "b" for when that is refused. `ask` asks it. */
export async function addTwoKeys({ gateway, models }: Pick<ModelScene, 'gateway' | 'models'>) {
  const keys = ['a', 'b'].map((name) => ({ name, value: `sk-${name}`, models: ['*'], weight: name === 'a' ? 1 : 0 }));
  const network_config = { base_url: models.openaiUrl, max_retries: 1, retry_backoff_initial: 1, retry_backoff_max: 2 };
  await addProvider(gateway, 'xai', '', { keys, network_config });
  const question = { model: 'xai/grok', messages: [{ role: 'user', content: 'hi' }] };
  return { keys, ask: () => gateway.api('POST', '/v1/chat/completions', question) };
}

/** The answer of a provider that says no. */
export function refusal(status: number): ScriptedAnswer {
  return { raw: { status, body: '{"error":{"message":"no"}}' } };
}

/** A streamed answer as text. */
export async function postStream(
  gateway: Pick<TestGateway, 'address' | 'apiKey'>,
  path: string,
  body: JsonObject,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  const response = await fetch(`${gateway.address}${path}`, {
    method: 'POST',
    headers: requestHeaders(gateway, headers),
    body: JSON.stringify({ ...body, stream: true }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
