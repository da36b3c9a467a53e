import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listenOnLoopback, readBody } from './http-host.ts';

type JsonObject = Record<string, unknown>;

/** A request that a stand-in got. */
export interface ModelCall {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly body: JsonObject;
}

/** What a stand-in answers: some words, calls of tools, or anything else by hand. */
export interface ScriptedAnswer {
  readonly text?: string;
  readonly calls?: readonly { readonly id?: string; readonly name: string; readonly args?: JsonObject }[];
  /** Sent as it is, in place of all else. */
  readonly raw?: { readonly status: number; readonly headers?: Record<string, string>; readonly body: string };
  /** The connection breaks off after so many events of a stream. */
  readonly breakAfter?: number;
  /** After so many events of a stream the provider says in it that it failed. */
  readonly failAfter?: number;
  /** Milliseconds before the answer, or between the events of a stream. */
  readonly delayMs?: number;
}

/** A stand-in for a provider of models, with the wire formats of OpenAI and Anthropic. */
export interface ModelServer extends AsyncDisposable {
  /** Base URL for OpenAI's clients, such as `http://127.0.0.1:1234/v1`. */
  readonly openaiUrl: string;
  /** Base URL for Anthropic's clients. */
  readonly anthropicUrl: string;
  readonly calls: readonly ModelCall[];
  /** Connections that ended before their answer did. */
  readonly aborted: number;
  /** What the next requests are answered with, in turn; the last one stays. A function sees the request. */
  script(...answers: (ScriptedAnswer | ((call: ModelCall) => ScriptedAnswer))[]): void;
}

/** Tokens that every scripted answer says it took. */
export const SCRIPTED_USAGE = { input: 11, output: 7 } as const;

/** Starts a stand-in which says "hello" until it is told otherwise. */
export async function startModelServer(): Promise<ModelServer> {
  const calls: ModelCall[] = [];
  let answers: (ScriptedAnswer | ((call: ModelCall) => ScriptedAnswer))[] = [{ text: 'hello' }];
  let aborted = 0;
  async function answerOne(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once('close', () => {
      if (!response.writableFinished) aborted += 1;
    });
    const bytes = Buffer.from(await readBody(request));
    const path = request.url ?? '';
    const body = bytes.length === 0 ? {} : (JSON.parse(bytes.toString()) as JsonObject);
    const call = { path, headers: request.headers, bytes, body };
    calls.push(call);
    const next = answers.length > 1 ? answers.shift() : answers[0];
    const answer = typeof next === 'function' ? next(call) : (next ?? {});
    await send(answer, call, response);
  }

  const host = await listenOnLoopback((request, response) => void answerOne(request, response));
  return {
    openaiUrl: `${host.origin}/v1`,
    anthropicUrl: host.origin,
    calls,
    get aborted() {
      return aborted;
    },
    script(...next) {
      answers = next;
    },
    [Symbol.asyncDispose]: () => host.stop(),
  };
}

async function send(answer: ScriptedAnswer, { path, body }: ModelCall, response: ServerResponse): Promise<void> {
  const { raw, delayMs = 0, breakAfter, failAfter } = answer;
  if (raw !== undefined) {
    if (delayMs > 0) await sleep(delayMs);
    response.writeHead(raw.status, { 'content-type': 'application/json', ...raw.headers }).end(raw.body);
    return;
  }
  if (/\/models(\?|$)/.test(path)) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: [{ id: 'small' }] }));
    return;
  }
  const format = formatOf(path);
  const model = String(body['model']);
  if (body['stream'] !== true) {
    if (delayMs > 0) await sleep(delayMs);
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(format.whole(answer, model, body)));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [index, event] of format.stream(answer, model, body).entries()) {
    if (index === breakAfter) return void response.destroy();
    if (index === failAfter) return void response.end(format.failure);
    response.write(event);
    if (delayMs > 0) await sleep(delayMs);
  }
  response.end();
}

interface Format {
  whole(answer: ScriptedAnswer, model: string, body: JsonObject): JsonObject;
  stream(answer: ScriptedAnswer, model: string, body: JsonObject): string[];
  /** The last event of a stream that fails. */
  readonly failure: string;
}

function formatOf(path: string): Format {
  if (path.endsWith('/chat/completions')) return chat;
  if (path.endsWith('/responses')) return responses;
  if (path.endsWith('/messages')) return messages;
  if (path.endsWith('/embeddings')) return embeddings;
  throw new Error(`the stand-in has nothing at ${path}`);
}

let lastId = 0;
const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const named = (value: JsonObject): string => `event: ${String(value['type'])}\n${data(value)}`;
const halves = (text: string): string[] => [
  text.slice(0, Math.ceil(text.length / 2)),
  text.slice(Math.ceil(text.length / 2)),
];
const callsOf = ({ calls = [] }: ScriptedAnswer) =>
  calls.map(({ id = `call_${++lastId}`, name, args = {} }) => ({ id, name, text: JSON.stringify(args) }));

const chatUsage = {
  prompt_tokens: SCRIPTED_USAGE.input,
  completion_tokens: SCRIPTED_USAGE.output,
  total_tokens: SCRIPTED_USAGE.input + SCRIPTED_USAGE.output,
};

/** What a provider says when it fails in the middle of a stream. */
export const SCRIPTED_FAILURE = 'the model is overloaded';

const chat: Format = {
  failure: data({ error: { message: SCRIPTED_FAILURE, type: 'server_error', param: null, code: 'overloaded' } }),
  whole(answer, model) {
    const calls = callsOf(answer).map(({ id, name, text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    }));
    const message = {
      role: 'assistant',
      content: answer.text ?? null,
      refusal: null,
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    const finish_reason = calls.length > 0 ? 'tool_calls' : 'stop';
    return {
      id: `chatcmpl-${++lastId}`,
      object: 'chat.completion',
      created: 1_700_000_000,
      model,
      choices: [{ index: 0, message, logprobs: null, finish_reason }],
      usage: chatUsage,
      system_fingerprint: 'fp_1',
    };
  },
  stream(answer, model, body) {
    const base = { id: `chatcmpl-${++lastId}`, object: 'chat.completion.chunk', created: 1_700_000_000, model };
    const chunk = (delta: JsonObject, finish_reason: string | null = null) =>
      data({ ...base, choices: [{ index: 0, delta, logprobs: null, finish_reason }] });
    const calls = callsOf(answer);
    const isCounting = (body['stream_options'] as JsonObject | undefined)?.['include_usage'] === true;
    return [
      chunk({ role: 'assistant', content: '' }),
      ...halves(answer.text ?? '')
        .filter((text) => text !== '')
        .map((content) => chunk({ content })),
      ...calls.flatMap(({ id, name, text }, index) => [
        chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
        ...halves(text).map((part) => chunk({ tool_calls: [{ index, function: { arguments: part } }] })),
      ]),
      chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'),
      ...(isCounting ? [data({ ...base, choices: [], usage: chatUsage })] : []),
      'data: [DONE]\n\n',
    ];
  },
};

const responses: Format = {
  failure: named({ type: 'error', code: 'overloaded', message: SCRIPTED_FAILURE, param: null, sequence_number: 9 }),
  whole(answer, model) {
    const id = `resp_${++lastId}`;
    const words = answer.text === undefined ? [] : [messageItem(answer.text)];
    const calls = callsOf(answer).map(({ id: call_id, name, text }) => ({
      type: 'function_call',
      id: `fc_${call_id}`,
      call_id,
      name,
      arguments: text,
      status: 'completed',
    }));
    return {
      id,
      object: 'response',
      created_at: 1_700_000_000,
      status: 'completed',
      model,
      output: [...words, ...calls],
      parallel_tool_calls: true,
      tools: [],
      usage: {
        input_tokens: SCRIPTED_USAGE.input,
        output_tokens: SCRIPTED_USAGE.output,
        total_tokens: SCRIPTED_USAGE.input + SCRIPTED_USAGE.output,
      },
    };
  },
  stream(answer, model) {
    const whole = responses.whole(answer, model, {});
    const begun = { ...whole, status: 'in_progress', output: [], usage: null };
    const output = whole['output'] as JsonObject[];
    const events: JsonObject[] = [
      { type: 'response.created', response: begun },
      { type: 'response.in_progress', response: begun },
      ...output.flatMap((item, output_index) => itemEvents(item, output_index)),
      { type: 'response.completed', response: whole },
    ];
    return events.map((event, sequence_number) => named({ ...event, sequence_number }));
  },
};

function messageItem(text: string): JsonObject {
  const content = [{ type: 'output_text', text, annotations: [] }];
  return { type: 'message', id: `msg_${++lastId}`, status: 'completed', role: 'assistant', content };
}

function itemEvents(item: JsonObject, output_index: number): JsonObject[] {
  const place = { item_id: item['id'], output_index };
  const done = { type: 'response.output_item.done', output_index, item };
  const open = { ...item, status: 'in_progress' };
  if (item['type'] === 'function_call') {
    const text = String(item['arguments']);
    return [
      { type: 'response.output_item.added', output_index, item: { ...open, arguments: '' } },
      ...halves(text).map((delta) => ({ type: 'response.function_call_arguments.delta', ...place, delta })),
      { type: 'response.function_call_arguments.done', ...place, arguments: text },
      done,
    ];
  }
  const [part] = item['content'] as { text: string }[];
  const text = part?.text ?? '';
  const spot = { ...place, content_index: 0 };
  return [
    { type: 'response.output_item.added', output_index, item: { ...open, content: [] } },
    { type: 'response.content_part.added', ...spot, part: { type: 'output_text', text: '', annotations: [] } },
    ...halves(text).map((delta) => ({ type: 'response.output_text.delta', ...spot, delta })),
    { type: 'response.output_text.done', ...spot, text },
    { type: 'response.content_part.done', ...spot, part: { type: 'output_text', text, annotations: [] } },
    done,
  ];
}

const messages: Format = {
  failure: named({ type: 'error', error: { type: 'overloaded_error', message: SCRIPTED_FAILURE } }),
  whole(answer, model) {
    const calls = callsOf(answer);
    const words = answer.text === undefined ? [] : [{ type: 'text', text: answer.text }];
    const uses = calls.map(({ id, name, text }) => ({
      type: 'tool_use',
      id,
      name,
      input: JSON.parse(text) as unknown,
    }));
    return {
      id: `msg_${++lastId}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [...words, ...uses],
      stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: SCRIPTED_USAGE.input, output_tokens: SCRIPTED_USAGE.output },
    };
  },
  stream(answer, model) {
    const { content, stop_reason, stop_sequence, ...whole } = messages.whole(answer, model, {});
    const start = { ...whole, content: [], stop_reason: null, stop_sequence: null };
    const usage = { input_tokens: SCRIPTED_USAGE.input, output_tokens: 1 };
    const events: JsonObject[] = [
      { type: 'message_start', message: { ...start, usage } },
      { type: 'ping' },
      ...(content as JsonObject[]).flatMap((block, index) => blockEvents(block, index)),
      {
        type: 'message_delta',
        delta: { stop_reason, stop_sequence },
        usage: { output_tokens: SCRIPTED_USAGE.output },
      },
      { type: 'message_stop' },
    ];
    return events.map(named);
  },
};

function blockEvents(block: JsonObject, index: number): JsonObject[] {
  const isCall = block['type'] === 'tool_use';
  const text = isCall ? JSON.stringify(block['input']) : String(block['text']);
  const start = isCall ? { ...block, input: {} } : { type: 'text', text: '' };
  const deltas = halves(text).map((part) =>
    isCall ? { type: 'input_json_delta', partial_json: part } : { type: 'text_delta', text: part },
  );
  return [
    { type: 'content_block_start', index, content_block: start },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

/** What every text is for the stand-in. */
export const VECTOR = [0.25, -0.5] as const;

const embeddings: Format = {
  whole: (_, model, { encoding_format }) => ({
    object: 'list',
    model,
    data: [{ object: 'embedding', index: 0, embedding: encoding_format === 'base64' ? packed(VECTOR) : VECTOR }],
    usage: { prompt_tokens: SCRIPTED_USAGE.input, total_tokens: SCRIPTED_USAGE.input },
  }),
  stream: () => [],
  failure: '',
};

function packed(numbers: readonly number[]): string {
  return Buffer.from(new Float32Array(numbers).buffer).toString('base64');
}
