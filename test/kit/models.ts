import { startModelServer, type ModelServer } from './model-server.ts';
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
