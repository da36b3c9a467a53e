import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { randomApiKey, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { startModelServer, type ModelServer } from '../kit/model-server.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import { waitFor } from '../kit/wait.ts';

const PRICES = '/api/governance/pricing-overrides';
const QUESTION = { model: 'openai/gpt-x', messages: [{ role: 'user', content: 'hi' }] };

/** A config.json with a model and what it costs, in USD per million tokens in and out. */
const fileOf = ({ openaiUrl }: ModelServer, input: number) => ({
  providers: {
    openai: {
      keys: [{ name: 'main', value: 'sk-upstream', models: ['*'], weight: 1 }],
      network_config: { base_url: openaiUrl },
    },
  },
  governance: { pricing_overrides: [{ id: 'x', name: 'x', pattern: 'gpt-x', patch: { input, output: 0 } }] },
});

/** What an answer to a question cost per million tokens that went in. The stand-in always counts 11. */
async function askForPrice({ api }: GatewayAccess): Promise<number> {
  const id = randomUUID();
  const { status, body } = await api('POST', '/v1/chat/completions', QUESTION, { 'x-request-id': id });
  expect(status, JSON.stringify(body)).toBe(200);
  const row = await waitFor(async () => {
    const { body } = await api('GET', `/api/logs?request_id=${id}`);
    const [row] = body['logs'] as { status: string; cost: number }[];
    return row?.status === 'success' && row;
  }, 'the row of the question');
  return Math.round((row.cost / 11) * 1e6);
}

test('a price in config.json is charged, keeps what the API made of it, and wins when it has changed', async () => {
  await using models = await startModelServer();
  await using folder = await temporaryDirectory();
  const shared = { appDir: folder.path, apiKey: randomApiKey() };
  const start = (input: number) => startGateway({ ...shared, config: fileOf(models, input) });
  {
    await using gateway = await start(1000);
    expect(await askForPrice(gateway)).toBe(1000);
    const put = await gateway.api('PUT', `${PRICES}/x`, { patch: { input: 2000, output: 0 } });
    expect(put.status).toBe(200);
  }
  {
    await using gateway = await start(1000);
    expect(await askForPrice(gateway)).toBe(2000);
  }
  await using gateway = await start(3000);
  expect(await askForPrice(gateway)).toBe(3000);
  const { body } = await gateway.api('GET', '/api/audit-logs?entity=pricing_override');
  expect((body['audit_logs'] as object[]).toReversed()).toMatchObject([
    { actor: 'config.json', action: 'create', after: { patch: { input: 1000 } } },
    { action: 'update' },
    { actor: 'config.json', action: 'update', before: { patch: { input: 2000 } }, after: { patch: { input: 3000 } } },
  ]);
});

test.each(SHARED)('gateways that run on a %s follow one that starts from a changed file', async (type) => {
  await using models = await startModelServer();
  await using place = await openShared(type);
  const apiKey = randomApiKey();
  const start = (input: number) => {
    const options = place.options();
    return startGateway({ ...options, apiKey, config: { ...options.config, ...fileOf(models, input) } });
  };
  await using first = await start(1000);
  expect(await askForPrice(first)).toBe(1000);
  await using second = await start(2000);
  expect(await askForPrice(second)).toBe(2000);
  await waitFor(async () => (await askForPrice(first)) === 2000, 'the new price at the first gateway');
});
