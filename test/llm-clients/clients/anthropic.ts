import Anthropic from '@anthropic-ai/sdk';
import type { BetaMessage } from '@anthropic-ai/sdk/resources/beta/messages';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import {
  addTokens,
  PROMPT,
  runOwn,
  schemaOf,
  withEnvironment,
  type Access,
  type LlmClient,
  type Question,
  type Said,
} from '../llm-client.ts';
import { KINDS, readStainless } from './openai.ts';

const max_tokens = 1000;
const OWN_KINDS: Readonly<Record<number, string>> = { 402: 'PaymentRequiredError', 503: 'ServiceUnavailableError' };

function open({ address, apiKey }: Access): Anthropic {
  return new Anthropic({ baseURL: `${address}/anthropic`, apiKey, maxRetries: 0 });
}

/** The official SDK of Anthropic; its tool runner does the turns. */
export const anthropic: LlmClient = {
  name: '@anthropic-ai/sdk',
  format: 'messages',
  readFailure: readStainless,
  kindFor: (status) => OWN_KINDS[status ?? 0] ?? KINDS[status ?? 0] ?? 'APIError',
  async listModels({ address, apiKey }) {
    const ids: string[] = [];
    const variables = { ANTHROPIC_BASE_URL: `${address}/anthropic`, ANTHROPIC_API_KEY: apiKey };
    const client = withEnvironment(variables, () => new Anthropic());
    for await (const { id } of client.models.list()) ids.push(id);
    return ids;
  },
  async ask(access, question) {
    const client = open(access);
    if (question.tools.length > 0) return runTurns(client, question);
    const { model, isStream, signal, onText } = question;
    const body = { model, max_tokens, messages: [{ role: 'user' as const, content: PROMPT }] };
    const options = signal === undefined ? {} : { signal };
    if (!isStream) return said([await client.messages.create(body, options)]);
    const stream = client.messages.stream(body, options);
    stream.on('text', (text) => onText?.(text));
    return said([await stream.finalMessage()]);
  },
};

async function runTurns(client: Anthropic, { model, isStream, tools, signal }: Question): Promise<Said> {
  const body = {
    model,
    max_tokens,
    messages: [{ role: 'user' as const, content: PROMPT }],
    tools: tools.map((tool) => {
      const { name, description } = tool;
      const run = (args: unknown) => runOwn(tools, name, args);
      return betaTool({ name, description, inputSchema: schemaOf(tool), run });
    }),
    max_iterations: 5,
  };
  const options = signal === undefined ? {} : { signal };
  const messages: BetaMessage[] = [];
  if (isStream) {
    for await (const turn of client.beta.messages.toolRunner({ ...body, stream: true }, options))
      messages.push(await turn.finalMessage());
  } else {
    for await (const turn of client.beta.messages.toolRunner(body, options)) messages.push(turn);
  }
  return said(messages);
}

/** What a message has, of the API or of its beta. */
interface Answer {
  readonly content: readonly { readonly type: string; readonly text?: unknown }[];
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
}

function said(messages: readonly Answer[]): Said {
  const parts = messages.at(-1)?.content ?? [];
  const text = parts.map((part) => (part.type === 'text' ? String(part.text) : '')).join('');
  return { text, tokens: addTokens(messages.map(({ usage }) => [usage.input_tokens, usage.output_tokens])) };
}
