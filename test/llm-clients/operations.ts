import assert from 'node:assert/strict';
import { ERRORS } from './errors.ts';
import { VECTOR, SCRIPTED_USAGE, type ModelCall } from '../kit/model-server.ts';
import { waitFor } from '../kit/wait.ts';
import { ownTool, type Stage } from './stage.ts';

const echo = (id: string, text: string) => ({ id, name: 'c1-echo', args: { text } });
const WEATHER = { id: 'call_w', name: 'weather', args: { city: 'Turin' } };
const GREET = { id: 'call_g', name: 'c1-greet', args: { name: 'Ada' } };
const MODELS = JSON.stringify({ data: [{ id: 'one', created: 5 }, { id: 'two' }] });

/** What is tried with every client. */
export const OPERATIONS = {
  async answer({ ask, models }: Stage) {
    const before = models.calls.length;
    models.script({ text: 'hello world' });
    assert.equal((await ask()).text, 'hello world');
    assert.equal(models.calls.length - before, 1);
  },

  async 'own tool'({ ask, models }: Stage) {
    models.script({ text: 'let me look', calls: [WEATHER] }, { text: 'sunny' });
    const weather = ownTool('weather', 'city', () => 'sun, 31 degrees');
    assert.equal((await ask({ tools: [weather] })).text, 'sunny');
    assert.deepEqual(weather.heard, ['Turin']);
    const body = lastBody(models);
    assert.match(body, /sun, 31 degrees/, 'the model reads the result');
    // Some clients name what a provider keeps instead of repeating it.
    assert.match(body, /let me look|"item_reference","id":"msg_/, 'the model reads what it said before');
    assert.equal(body.match(/"call_w"/g)?.length, 2, 'the result belongs to its call');
  },

  async 'two own tools'({ ask, models }: Stage) {
    const again = { ...WEATHER, id: 'call_v', args: { city: 'Oslo' } };
    models.script({ calls: [WEATHER, again] }, { text: 'sunny' });
    const weather = ownTool('weather', 'city', (city) => `sun in ${city}`);
    assert.equal((await ask({ tools: [weather] })).text, 'sunny');
    assert.deepEqual(weather.heard.toSorted(), ['Oslo', 'Turin']);
    assert.match(lastBody(models), /sun in Turin.*sun in Oslo/, 'the model reads both results');
  },

  async 'MCP tool'({ ask, models, upstream }: Stage) {
    const before = { asked: models.calls.length, called: upstream.countCalls('echo') };
    models.script({ calls: [echo('call_a', 'ping pong')] }, { text: 'done' });
    assert.equal((await ask()).text, 'done');
    assert.match(bodyOf(models.calls[before.asked]), /"c1-echo"/, 'the gateway adds its tools');
    assert.equal(upstream.countCalls('echo') - before.called, 1);
    assert.equal(lastBody(models).match(/ping pong/g)?.length, 2, 'the model reads the result');
  },

  async rounds({ ask, models, isStream }: Stage) {
    models.script(
      { text: 'first ', calls: [echo('call_a', 'one'), echo('call_b', 'two')] },
      { text: 'then ', calls: [echo('call_c', 'three')] },
      { text: 'done' },
    );
    assert.equal((await ask()).text, isStream ? 'first then done' : 'done');
    assert.match(lastBody(models), /one.*two.*three/, 'the model reads all results');
  },

  async 'MCP tool by hand'({ ask, models, gateway, access, upstream }: Stage) {
    const before = upstream.countCalls('greet');
    models.script({ calls: [GREET] }, { text: 'greeted' });
    const tool = ownTool('c1-greet', 'name', (name) => execute({ gateway, access }, 'c1-greet', { name }));
    assert.equal((await ask({ tools: [tool] })).text, 'greeted');
    assert.equal(upstream.countCalls('greet') - before, 1);
    assert.match(lastBody(models), /Ada.*Ada/, 'the model reads the result');
  },

  async mixed({ ask, models, gateway, access }: Stage) {
    models.script({ text: 'hm', calls: [echo('call_a', 'it ran'), GREET] }, { text: 'all done' });
    const tool = ownTool('c1-greet', 'name', (name) => execute({ gateway, access }, 'c1-greet', { name }));
    assert.equal((await ask({ tools: [tool] })).text, 'all done');
    assert.deepEqual(tool.heard, ['Ada']);
    const body = lastBody(models);
    assert.match(body, /it ran/, 'the model reads what has run');
    assert.equal(body.match(/"call_g"/g)?.length, 2, 'the result belongs to its call');
    assert.doesNotMatch(body, /"call_a"/, 'no call is left without a result');
  },

  async usage({ ask, models }: Stage) {
    const expected = (rounds: number) => [SCRIPTED_USAGE.input * rounds, SCRIPTED_USAGE.output * rounds];
    models.script({ text: 'hello' });
    assert.deepEqual((await ask()).tokens, expected(1), 'one answer');
    models.script({ calls: [echo('call_a', 'one')] }, { text: 'done' });
    assert.deepEqual((await ask()).tokens, expected(2), 'two rounds of the gateway');
    models.script({ calls: [WEATHER] }, { text: 'sunny' });
    const weather = ownTool('weather', 'city', () => 'sun');
    assert.deepEqual((await ask({ tools: [weather] })).tokens, expected(2), 'two turns of the client');
  },

  async cancel({ ask, models, isStream }: Stage) {
    const { aborted, calls } = models;
    const before = calls.length;
    models.script({ text: 'never to be read', delayMs: isStream ? 300 : 3000 });
    const controller = new AbortController();
    const asked = ask({ signal: controller.signal, onText: () => controller.abort() }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!isStream) {
      await waitFor(() => calls.length > before, 'the provider is asked');
      controller.abort();
    }
    await waitFor(() => models.aborted > aborted, 'the provider is left', 2500);
    await asked;
  },

  ...ERRORS,

  async models({ client, access, models }: Stage) {
    models.script({ raw: { status: 200, body: MODELS } });
    const listed = (await client.listModels?.(access)) ?? [];
    const own = client.format === 'messages' ? ['one', 'two'] : ['anthropic/one', 'anthropic/two'];
    assert.deepEqual(listed.toSorted(), [...own, 'openai/one', 'openai/two'].toSorted());
  },

  async embedding({ client, access, models }: Stage) {
    models.script({});
    assert.deepEqual(Array.from((await client.embed?.(access, 'openai/embedder')) ?? []), VECTOR);
  },
} as const;

export type Operation = keyof typeof OPERATIONS;

function bodyOf(call: ModelCall | undefined): string {
  return call?.bytes.toString() ?? '';
}

function lastBody({ calls }: Stage['models']): string {
  return bodyOf(calls.at(-1));
}

/** As a client's own code runs a tool that is not for the gateway alone to run. */
async function execute(
  { gateway, access }: Pick<Stage, 'gateway' | 'access'>,
  name: string,
  args: Record<string, unknown>,
): Promise<string> {
  const { status, body } = await gateway.execute(name, args, { authorization: `Bearer ${access.apiKey}` });
  if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
  return String(body['content']);
}
