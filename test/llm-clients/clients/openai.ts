import OpenAI from 'openai';
import type { Response, ResponseInputItem } from 'openai/resources/responses/responses';
import {
  addTokens,
  PROMPT,
  runOwn,
  schemaOf,
  withEnvironment,
  type Access,
  type Failure,
  type LlmClient,
  type OwnTool,
  type Question,
  type Said,
} from '../llm-client.ts';

const MAX_TURNS = 5;

function open({ address, apiKey }: Access): OpenAI {
  return new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 });
}

/** The names of the errors that the SDKs of OpenAI and Anthropic have for statuses. */
export const KINDS: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  403: 'PermissionDeniedError',
  429: 'RateLimitError',
  503: 'InternalServerError',
};

/** A failure of those SDKs. */
export function readStainless(error: unknown): Failure {
  if (!(error instanceof Error)) return { kind: 'nothing', status: undefined, message: String(error) };
  const { status } = error as { status?: number };
  return { kind: error.constructor.name, status, message: error.message };
}

const shared = {
  readFailure: readStainless,
  kindFor: (status: number | undefined) => KINDS[status ?? 0] ?? 'APIError',
  async listModels({ address, apiKey }: Access) {
    const ids: string[] = [];
    const variables = { OPENAI_BASE_URL: `${address}/v1`, OPENAI_API_KEY: apiKey };
    const client = withEnvironment(variables, () => new OpenAI());
    for await (const { id } of client.models.list()) ids.push(id);
    return ids;
  },
  async embed(access: Access, model: string) {
    const { data } = await open(access).embeddings.create({ model, input: 'some words' });
    return data[0]?.embedding ?? [];
  },
};

/** The official SDK of OpenAI, chat completions; its runner does the turns. */
export const openaiChat: LlmClient = {
  name: 'openai',
  format: 'chat',
  ...shared,
  async ask(access, { model, isStream, tools, signal, onText }) {
    const body = {
      model,
      messages: [{ role: 'user' as const, content: PROMPT }],
      tools: tools.map((tool) => functionOf(tool)),
    };
    const options = { ...(signal && { signal }), maxChatCompletions: MAX_TURNS };
    const completions = open(access).chat.completions;
    if (tools.length === 0 && !isStream) {
      const { choices, usage } = await completions.create({ model, messages: body.messages }, options);
      return { text: choices[0]?.message.content ?? '', tokens: [usage?.prompt_tokens, usage?.completion_tokens] };
    }
    if (!isStream) {
      const runner = completions.runTools(body, options);
      const text = (await runner.finalContent()) ?? '';
      const { prompt_tokens, completion_tokens } = await runner.totalUsage();
      return { text, tokens: [prompt_tokens, completion_tokens] };
    }
    const streamed = { ...body, stream: true as const, stream_options: { include_usage: true } };
    const runner = completions.runTools(streamed, options);
    runner.on('content', (delta) => onText?.(delta));
    const text = (await runner.finalContent()) ?? '';
    const { prompt_tokens, completion_tokens } = await runner.totalUsage();
    return { text, tokens: [prompt_tokens, completion_tokens] };
  },
};

function functionOf(tool: OwnTool) {
  return {
    type: 'function' as const,
    function: {
      name: tool.name,
      description: tool.description,
      parameters: schemaOf(tool),
      parse: JSON.parse as (text: string) => object,
      function: (args: object) => runOwn([tool], tool.name, args),
    },
  };
}

/** The official SDK of OpenAI, responses; the turns are its caller's. */
export const openaiResponses: LlmClient = {
  name: 'openai',
  format: 'responses',
  ...shared,
  async ask(access, question) {
    const client = open(access);
    const input: ResponseInputItem[] = [{ role: 'user', content: PROMPT }];
    const tokens: Said['tokens'][] = [];
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      const response = await respond(client, input, question);
      tokens.push([response.usage?.input_tokens, response.usage?.output_tokens]);
      const calls = response.output.filter((item) => item.type === 'function_call');
      if (calls.length === 0) return { text: response.output_text, tokens: addTokens(tokens) };
      input.push(...(response.output as ResponseInputItem[]));
      for (const { call_id, name, arguments: args } of calls) {
        const output = await runOwn(question.tools, name, JSON.parse(args));
        input.push({ type: 'function_call_output', call_id, output });
      }
    }
    throw new Error(`no end after ${MAX_TURNS} turns`);
  },
};

async function respond(
  client: OpenAI,
  input: ResponseInputItem[],
  { model, isStream, tools, signal, onText }: Question,
): Promise<Response> {
  const body = {
    model,
    input,
    tools: tools.map((tool) => {
      const { name, description } = tool;
      return { type: 'function' as const, name, description, parameters: schemaOf(tool), strict: true };
    }),
  };
  const options = signal === undefined ? {} : { signal };
  if (!isStream) return client.responses.create(body, options);
  const stream = client.responses.stream(body, options);
  stream.on('response.output_text.delta', ({ delta }) => onText?.(delta));
  return stream.finalResponse();
}
