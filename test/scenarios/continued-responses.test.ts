import { describe, expect, test } from 'vitest';
import { randomApiKey, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import type { ScriptedAnswer } from '../kit/model-server.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { readEvents } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const PATH = '/v1/responses';
const QUESTION = { model: 'openai/gpt-x', input: 'hi' };
const AUTO = { client: { tools_to_auto_execute: ['echo'], allow_on_all_virtual_keys: true } };
const call = (call_id: string, name: string) => ({
  ...{ type: 'function_call', id: `fc_${call_id}`, call_id, name, arguments: '{"text":"one"}', status: 'completed' },
});
const message = (text: string) => ({
  ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
  content: [{ type: 'output_text', text, annotations: [] }],
});

/** A response as OpenAI answers with it, whole or as a stream. */
const response = (id: string, ...output: JsonObject[]) => {
  return ({ body: asked }: { body: JsonObject }): ScriptedAnswer => {
    const whole = { id, object: 'response', status: 'completed', output, usage: { input_tokens: 1, output_tokens: 1 } };
    if (asked['stream'] !== true) return { raw: { status: 200, body: JSON.stringify(whole) } };
    const events = [
      { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
      ...output.flatMap((item, output_index) => [
        { type: 'response.output_item.added', output_index, item },
        { type: 'response.output_item.done', output_index, item },
      ]),
      { type: 'response.completed', response: whole },
    ];
    const body = events.map((event, sequence_number) => `data: ${JSON.stringify({ ...event, sequence_number })}\n\n`);
    return { raw: { status: 200, headers: { 'content-type': 'text/event-stream' }, body: body.join('') } };
  };
};

/** The id of the response that a caller got. */
async function ask(
  gateway: Pick<GatewayAccess, 'api' | 'address' | 'apiKey'>,
  body: JsonObject,
  isStream: boolean,
  headers: Record<string, string> = {},
): Promise<string> {
  if (!isStream) return String((await gateway.api('POST', PATH, body, headers)).body['id']);
  const { text } = await postStream(gateway, PATH, body, headers);
  const ids = readEvents(text).map((data) => (JSON.parse(data) as { response?: { id: string } }).response?.id);
  return ids.findLast((id) => id !== undefined) ?? text;
}

/** What the provider was asked last. */
function lastAsked({ models }: ModelScene): JsonObject {
  const { previous_response_id, input } = models.calls.at(-1)?.body ?? {};
  return { previous_response_id, input };
}

const done = response('resp_9', message('done'));

describe.each([false, true])('an answer of several rounds is continued where it ended (streamed: %s)', (isStream) => {
  test('with all that tools gave', async () => {
    await using scene = await startModelScene(AUTO);
    const { gateway, models } = scene;
    models.script(response('resp_1', call('a', 'c1-echo')), response('resp_2', message('done')), done);
    const previous_response_id = await ask(gateway, QUESTION, isStream);
    await ask(gateway, { ...QUESTION, previous_response_id }, false);
    expect(lastAsked(scene)).toEqual({ previous_response_id: 'resp_2', input: 'hi' });
    await ask(gateway, { ...QUESTION, previous_response_id, input: [] }, true);
    expect(lastAsked(scene)).toEqual({ previous_response_id: 'resp_2', input: [] });
  });

  test.each([
    ['a list', [{ type: 'function_call_output', call_id: 'c', output: 'three' }]],
    ['a text', 'go on'],
    ['nothing', undefined],
  ])('with what has run beside calls that were left to the caller, who sends %s', async (_, input) => {
    await using scene = await startModelScene(AUTO);
    const { gateway, models } = scene;
    const left = [call('b', 'c1-echo'), call('c', 'c1-whoami')];
    models.script(response('resp_1', call('a', 'c1-echo')), response('resp_2', ...left), done);
    const previous_response_id = await ask(gateway, QUESTION, isStream);
    await ask(gateway, { model: QUESTION.model, previous_response_id, input }, false);
    const own = typeof input === 'string' ? [{ role: 'user', content: input }] : (input ?? []);
    expect(lastAsked(scene)).toEqual({
      previous_response_id: 'resp_2',
      input: [{ type: 'function_call_output', call_id: 'b', output: 'one' }, ...own],
    });
  });
});

test('what others name, or what had one round, goes on as it was said', async () => {
  await using scene = await startModelScene(AUTO);
  const { gateway, models } = scene;
  models.script(response('resp_1', call('a', 'c1-echo')), response('resp_2', message('done')), done);
  const previous_response_id = await ask(gateway, QUESTION, true);
  const created = await gateway.api('POST', '/api/governance/virtual-keys', { name: 'k', allow_all_providers: true });
  const { value } = created.body['virtual_key'] as { value: string };
  await ask(gateway, { ...QUESTION, previous_response_id }, false, { authorization: '', 'x-bf-vk': value });
  expect(lastAsked(scene)).toEqual({ previous_response_id: 'resp_1', input: 'hi' });
  await ask(gateway, { ...QUESTION, previous_response_id: 'resp_9' }, false);
  expect(lastAsked(scene)).toEqual({ previous_response_id: 'resp_9', input: 'hi' });
});

test.each(SHARED)('another gateway on the same %s continues it, too', async (type) => {
  await using place = await openShared(type);
  const shared = { apiKey: randomApiKey() };
  await using scene = await startModelScene({ ...AUTO, gateway: { ...place.options(), ...shared } });
  const { gateway, models } = scene;
  models.script(response('resp_1', call('a', 'c1-echo')), response('resp_2', message('done')), done);
  const previous_response_id = await ask(gateway, QUESTION, true);
  await using other = await startGateway({ ...place.options(), ...shared });
  await ask(other, { ...QUESTION, previous_response_id }, false);
  expect(lastAsked(scene)).toEqual({ previous_response_id: 'resp_2', input: 'hi' });
});
