import { describe, expect, test } from 'vitest';
import { addProvider, postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import type { ScriptedAnswer } from '../kit/model-server.ts';
import { readEvents } from '../kit/wire.ts';
import { waitFor } from '../kit/wait.ts';

type JsonObject = Record<string, unknown>;

/** What an answer says, whichever format and mode it came in. */
interface Heard {
  readonly status: number;
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  /** Tokens of all rounds: those that went in, and those that came out. */
  readonly tokens: readonly [number, number] | undefined;
  readonly raw: string;
}

interface Format {
  readonly path: string;
  readonly request: JsonObject;
  /** What the conversation of a later round looks like to the provider. */
  results(body: JsonObject): string[];
  whole(body: JsonObject): Omit<Heard, 'status' | 'raw'>;
  stream(events: JsonObject[]): Omit<Heard, 'status' | 'raw'>;
}

const parse = (text: unknown): unknown => JSON.parse(typeof text === 'string' && text !== '' ? text : '{}');
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : []);
const record = (value: unknown): JsonObject => (value ?? {}) as JsonObject;
const pair = (usage: unknown, input: string, output: string): readonly [number, number] | undefined =>
  usage === undefined || usage === null ? undefined : [Number(record(usage)[input]), Number(record(usage)[output])];

const chat: Format = {
  path: '/v1/chat/completions',
  request: {
    model: 'openai/gpt-x',
    messages: [{ role: 'user', content: 'hi' }],
    stream_options: { include_usage: true },
  },
  results: (body) =>
    list(body['messages'])
      .filter(({ role }) => role === 'tool')
      .map(({ content }) => String(content)),
  whole(body) {
    const message = record(list(body['choices'])[0]?.['message']);
    const calls = list(message['tool_calls']).map((call) => {
      const { name, arguments: text } = record(call['function']);
      return { id: String(call['id']), name: String(name), args: parse(text) };
    });
    const tokens = pair(body['usage'], 'prompt_tokens', 'completion_tokens');
    return { text: textOf(message['content']), calls, tokens };
  },
  stream(events) {
    const deltas = events.map((event) => record(list(event['choices'])[0]?.['delta']));
    const text = deltas.map(({ content }) => textOf(content)).join('');
    const calls: { id: string; name: string; args: string }[] = [];
    for (const piece of deltas.flatMap((delta) => list(delta['tool_calls']))) {
      const { name = '', arguments: args = '' } = record(piece['function']);
      const call = (calls[Number(piece['index'])] ??= { id: String(piece['id']), name: String(name), args: '' });
      call.args += String(args);
    }
    expect(new Set(events.map(({ id }) => id)).size, 'one answer has one id').toBe(1);
    const usage = events.map((event) => event['usage']).findLast((value) => value !== undefined && value !== null);
    const tokens = pair(usage, 'prompt_tokens', 'completion_tokens');
    return { text, calls: calls.map((call) => ({ ...call, args: parse(call.args) })), tokens };
  },
};

const responses: Format = {
  path: '/v1/responses',
  request: { model: 'openai/gpt-x', input: 'hi' },
  results: (body) =>
    list(body['input'])
      .filter(({ type }) => type === 'function_call_output')
      .map(({ output }) => String(output)),
  whole(body) {
    const output = list(body['output']);
    const texts = output.flatMap((item) => list(item['content'])).map((part) => String(part['text']));
    const calls = output
      .filter(({ type }) => type === 'function_call')
      .map((item) => ({ id: String(item['call_id']), name: String(item['name']), args: parse(item['arguments']) }));
    return { text: texts.join(''), calls, tokens: pair(body['usage'], 'input_tokens', 'output_tokens') };
  },
  stream(events) {
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, index) => index));
    const indexes = events
      .filter(({ type }) => type === 'response.output_item.added')
      .map((event) => event['output_index']);
    expect(indexes).toEqual(indexes.map((_, index) => index));
    const last = record(events.at(-1)?.['response']);
    const heard = responses.whole(last);
    const deltas = events.filter(({ type }) => type === 'response.output_text.delta').map(({ delta }) => delta);
    expect(deltas.join('')).toBe(heard.text);
    expect(new Set(events.map((event) => record(event['response'])['id']).filter((id) => id !== undefined)).size).toBe(
      1,
    );
    return heard;
  },
};

const messages: Format = {
  path: '/anthropic/v1/messages',
  request: { model: 'claude-x', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] },
  results: (body) =>
    list(body['messages'])
      .flatMap(({ content }) => list(content))
      .filter(({ type }) => type === 'tool_result')
      .map(({ content }) => String(content)),
  whole(body) {
    const blocks = list(body['content']);
    const texts = blocks.filter(({ type }) => type === 'text').map(({ text }) => String(text));
    const calls = blocks
      .filter(({ type }) => type === 'tool_use')
      .map(({ id, name, input }) => ({ id: String(id), name: String(name), args: input }));
    return { text: texts.join(''), calls, tokens: pair(body['usage'], 'input_tokens', 'output_tokens') };
  },
  stream(events) {
    const starts = events.filter(({ type }) => type === 'content_block_start');
    expect(starts.map(({ index }) => index)).toEqual(starts.map((_, index) => index));
    expect(events.filter(({ type }) => type === 'message_start')).toHaveLength(1);
    expect(events.at(-1)).toEqual({ type: 'message_stop' });
    const blocks = starts.map(({ content_block, index }) => {
      const deltas = events.filter((event) => event['type'] === 'content_block_delta' && event['index'] === index);
      const join = (key: string) => deltas.map((event) => textOf(record(event['delta'])[key])).join('');
      return { ...record(content_block), text: join('text'), input: parse(join('partial_json')) };
    });
    const begun = record(record(events[0]?.['message'])['usage']);
    const ended = record(events.find(({ type }) => type === 'message_delta')?.['usage']);
    return messages.whole({ content: blocks, usage: { ...begun, ...ended } });
  },
};

async function ask(scene: ModelScene, format: Format, isStream: boolean, headers = {}): Promise<Heard> {
  if (!isStream) {
    const { status, body } = await scene.gateway.api('POST', format.path, format.request, headers);
    return { status, raw: JSON.stringify(body), ...format.whole(body) };
  }
  const { status, text: raw } = await postStream(scene.gateway, format.path, format.request, headers);
  const events = readEvents(raw).filter((data) => data !== '[DONE]');
  return { status, raw, ...format.stream(events.map((data) => JSON.parse(data) as JsonObject)) };
}

const echo = (id: string, text: string) => ({ id, name: 'c1-echo', args: { text } });
const AUTO = { client: { tools_to_auto_execute: ['echo', 'fail'] } };

describe.each([
  ['chat', chat],
  ['responses', responses],
  ['messages', messages],
] as const)('%s', (_, format) => {
  describe.each([
    ['whole', false],
    ['streamed', true],
  ] as const)('%s', (__, isStream) => {
    test('an answer without calls is the answer', async () => {
      await using scene = await startModelScene(AUTO);
      scene.models.script({ text: 'hello world' });
      const heard = await ask(scene, format, isStream);
      expect(heard).toMatchObject({ status: 200, text: 'hello world', calls: [], tokens: [11, 7] });
      expect(scene.models.calls).toHaveLength(1);
    });

    test('rounds go on until an answer asks for nothing more, and their tokens are summed', async () => {
      await using scene = await startModelScene(AUTO);
      scene.models.script(
        { text: 'let me see ', calls: [echo('k1', 'one')] },
        { calls: [echo('k2', 'two')] },
        { text: 'done' },
      );
      const heard = await ask(scene, format, isStream);
      expect(heard.text).toBe(isStream ? 'let me see done' : 'done');
      expect(heard).toMatchObject({ status: 200, calls: [], tokens: [33, 21] });
      expect(format.results(scene.models.calls[2]?.body ?? {})).toEqual(['one', 'two']);
    });

    test('calls of one answer run at once, and each result has its own call', async () => {
      await using scene = await startModelScene(AUTO);
      scene.models.script({ calls: [echo('a', 'one'), echo('b', 'two')] }, { text: 'done' });
      await ask(scene, format, isStream);
      expect(format.results(scene.models.calls[1]?.body ?? {})).toEqual(['one', 'two']);
    });

    test('a failing tool, arguments that are none, and a tool that is not granted are told to the model', async () => {
      await using scene = await startModelScene(AUTO);
      scene.models.script({ calls: [{ id: 'a', name: 'c1-fail' }, echo('b', 'fine')] }, { text: 'done' });
      const heard = await ask(scene, format, isStream);
      expect(heard).toMatchObject({ status: 200, text: 'done' });
      const results = format.results(scene.models.calls[1]?.body ?? {});
      expect(results).toHaveLength(2);
      expect(results[1]).toBe('fine');
    });

    test('calls of other tools are left to the caller, who is told what has run', async () => {
      await using scene = await startModelScene(AUTO);
      scene.models.script({ calls: [echo('a', 'ran'), { id: 'b', name: 'c1-whoami', args: {} }] });
      const heard = await ask(scene, format, isStream);
      expect(heard.calls).toEqual([{ id: 'b', name: 'c1-whoami', args: {} }]);
      expect(heard.text).toContain('"c1-echo":"ran"');
      expect(scene.models.calls).toHaveLength(1);
    });

    test('calls of other tools alone come back as the model wrote them', async () => {
      await using scene = await startModelScene(AUTO);
      scene.models.script({ text: 'hm', calls: [{ id: 'b', name: 'c1-whoami', args: { x: 1 } }] });
      const heard = await ask(scene, format, isStream);
      expect(heard).toMatchObject({ text: 'hm', calls: [{ id: 'b', name: 'c1-whoami', args: { x: 1 } }] });
    });

    test('what ran in earlier rounds is told with the calls that are left', async () => {
      await using scene = await startModelScene(AUTO);
      scene.models.script({ calls: [echo('a', 'ran')] }, { calls: [{ id: 'b', name: 'c1-whoami', args: {} }] });
      const heard = await ask(scene, format, isStream);
      expect(heard.text).toContain('"c1-echo":"ran"');
      expect(heard.calls).toEqual([{ id: 'b', name: 'c1-whoami', args: {} }]);
    });

    test('the loop ends at its depth with the calls that are open', async () => {
      await using scene = await startModelScene(AUTO);
      await scene.gateway.api('PUT', '/api/config', { client_config: { mcp_agent_depth: 2 } });
      scene.models.script({ calls: [echo('a', 'again')] });
      const heard = await ask(scene, format, isStream);
      expect(scene.models.calls).toHaveLength(3);
      expect(heard.calls).toMatchObject([{ name: 'c1-echo', args: { text: 'again' } }]);
    });

    test('a budget that is spent in the middle ends it', async () => {
      await using scene = await startModelScene({
        client: { ...AUTO.client, tool_pricing: { echo: 1 }, allow_on_all_virtual_keys: true },
      });
      const created = await scene.gateway.api('POST', '/api/governance/virtual-keys', {
        name: 'k',
        allow_all_providers: true,
        budgets: [{ max_limit: 1, reset_duration: '1d' }],
      });
      const { value } = record(created.body['virtual_key']);
      scene.models.script({ calls: [echo('a', 'one')] }, { text: 'done' });
      const headers = { authorization: '', 'x-bf-vk': String(value) };
      const path = isStream
        ? await postStream(scene.gateway, format.path, format.request, headers)
        : await scene.gateway.api('POST', format.path, format.request, headers);
      expect(path.status).toBe(isStream ? 200 : 402);
      const said = 'text' in path ? path.text : JSON.stringify(path.body);
      expect(said).toContain(format === messages ? 'billing_error' : 'budget_exceeded');
      expect(scene.models.calls).toHaveLength(1);
    });
  });
});

test('a caller that goes away ends the request to the provider', async () => {
  await using scene = await startModelScene(AUTO);
  const slow: ScriptedAnswer = { text: 'abcdef', delayMs: 300 };
  scene.models.script(slow);
  const abort = new AbortController();
  const { gateway, models } = scene;
  const response = await fetch(`${gateway.address}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.apiKey}` },
    body: JSON.stringify({ ...chat.request, stream: true }),
    signal: abort.signal,
  });
  expect(response.status).toBe(200);
  abort.abort();
  await waitFor(() => models.aborted === 1, 'the provider is left');
});

test('a fallback answers when the first provider cannot, in the format of the caller', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await addProvider(gateway, 'groq', 'http://127.0.0.1:9/v1');
  models.script({ text: 'from the other one' });
  const body = { ...chat.request, model: 'groq/llama', fallbacks: ['anthropic/claude-x'] };
  const answer = await gateway.api('POST', chat.path, body);
  expect(chat.whole(answer.body).text).toBe('from the other one');
  expect(answer.headers.get('x-bf-provider')).toBe('anthropic');
});
