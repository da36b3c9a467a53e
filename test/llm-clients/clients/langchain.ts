import { ChatAnthropic } from '@langchain/anthropic';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessageChunk, HumanMessage, type BaseMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { createAgent } from 'langchain';
import { z } from 'zod';
import {
  addTokens,
  PROMPT,
  type Access,
  type LlmClient,
  type OwnTool,
  type Question,
  type Said,
} from '../llm-client.ts';
import { KINDS as ERROR_KINDS, readStainless } from './openai.ts';

interface Kind {
  readonly name: string;
  readonly format: LlmClient['format'];
  open(access: Access, model: string): BaseChatModel;
  openEmbeddings?(access: Access, model: string): OpenAIEmbeddings;
}

const openai = ({ address, apiKey }: Access) => ({
  apiKey,
  configuration: { baseURL: `${address}/v1` },
  maxRetries: 0,
});

const KINDS: readonly Kind[] = [
  {
    name: '@langchain/openai',
    format: 'chat',
    open: (access, model) => new ChatOpenAI({ model, ...openai(access), useResponsesApi: false }),
    openEmbeddings: (access, model) => new OpenAIEmbeddings({ model, ...openai(access), encodingFormat: 'float' }),
  },
  {
    name: '@langchain/openai',
    format: 'responses',
    open: (access, model) => new ChatOpenAI({ model, ...openai(access), useResponsesApi: true }),
  },
  {
    name: '@langchain/anthropic',
    format: 'messages',
    open: ({ address, apiKey }, model) =>
      new ChatAnthropic({ model, apiKey, anthropicApiUrl: `${address}/anthropic`, maxTokens: 1000, maxRetries: 0 }),
  },
];

/** LangChain's chat models; its agent does the turns. */
export const langchain: readonly LlmClient[] = KINDS.map(({ name, format, open, openEmbeddings }) => ({
  name,
  format,
  async ask(access, question) {
    const model = open(access, question.model);
    return question.tools.length === 0 ? askModel(model, question) : askAgent(model, question);
  },
  ...(openEmbeddings && {
    embed: (access: Access, model: string) => openEmbeddings(access, model).embedQuery('some words'),
  }),
  readFailure: readStainless,
  kindFor: (status) => ERROR_KINDS[status ?? 0] ?? 'APIError',
}));

async function askModel(model: BaseChatModel, { isStream, signal, onText }: Question): Promise<Said> {
  const options = signal === undefined ? {} : { signal };
  if (!isStream) return said([await model.invoke(PROMPT, options)]);
  const chunks: AIMessageChunk[] = [];
  for await (const chunk of await model.stream(PROMPT, options)) {
    onText?.(chunk.text);
    chunks.push(chunk);
  }
  return said([chunks.reduce((whole, chunk) => whole.concat(chunk))]);
}

async function askAgent(model: BaseChatModel, { isStream, tools, signal }: Question): Promise<Said> {
  const agent = createAgent({ model, tools: tools.map(toolOf) });
  const input = { messages: [new HumanMessage(PROMPT)] };
  const options = signal === undefined ? {} : { signal };
  if (!isStream) return said((await agent.invoke(input, options)).messages);
  const pieces = new Map<string | undefined, AIMessageChunk>();
  for await (const [piece] of await agent.stream(input, { ...options, streamMode: 'messages' })) {
    if (!(piece instanceof AIMessageChunk)) continue;
    pieces.set(piece.id, pieces.get(piece.id)?.concat(piece) ?? piece);
  }
  return said([...pieces.values()]);
}

function toolOf(own: OwnTool) {
  return tool((args: Record<string, string>) => own.run(String(args[own.argument])), {
    name: own.name,
    description: own.description,
    schema: z.object({ [own.argument]: z.string() }),
  });
}

/** What a model's answer has, whichever of its classes it is of. */
interface Answer {
  readonly text: string;
  readonly usage_metadata?: { readonly input_tokens: number; readonly output_tokens: number };
}

function said(messages: readonly BaseMessage[]): Said {
  const answers: Answer[] = messages.filter(({ type }) => type === 'ai');
  const tokens = answers.map(({ usage_metadata: usage }) => [usage?.input_tokens, usage?.output_tokens] as const);
  return { text: answers.at(-1)?.text ?? '', tokens: addTokens(tokens) };
}
