import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  embed,
  generateText,
  isStepCount,
  jsonSchema,
  streamText,
  tool,
  type EmbeddingModel,
  type LanguageModel,
} from 'ai';
import { PROMPT, schemaOf, type Access, type LlmClient, type OwnTool } from '../llm-client.ts';

interface Kind {
  readonly name: string;
  readonly format: LlmClient['format'];
  open(access: Access, model: string): LanguageModel;
  openEmbedding?(access: Access, model: string): EmbeddingModel;
}

const openai = ({ address, apiKey }: Access) => createOpenAI({ baseURL: `${address}/v1`, apiKey });
const compatible = ({ address, apiKey }: Access) =>
  createOpenAICompatible({ name: 'asbru', baseURL: `${address}/v1`, apiKey, includeUsage: true });
const anthropic = ({ address, apiKey }: Access) => createAnthropic({ baseURL: `${address}/anthropic/v1`, apiKey });

// It warns of every model that it does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const KINDS: readonly Kind[] = [
  {
    name: '@ai-sdk/openai',
    format: 'chat',
    open: (access, model) => openai(access).chat(model),
    openEmbedding: (access, model) => openai(access).embedding(model),
  },
  { name: '@ai-sdk/openai', format: 'responses', open: (access, model) => openai(access).responses(model) },
  {
    name: '@ai-sdk/openai-compatible',
    format: 'chat',
    open: (access, model) => compatible(access)(model),
    openEmbedding: (access, model) => compatible(access).embeddingModel(model),
  },
  { name: '@ai-sdk/anthropic', format: 'messages', open: (access, model) => anthropic(access)(model) },
];

/** Vercel's AI SDK with its providers; `generateText` and `streamText` do the turns. */
export const aiSdk: readonly LlmClient[] = KINDS.map(({ name, format, open, openEmbedding }) => ({
  name,
  format,
  async ask(access, { model, isStream, tools, signal, onText }) {
    const options = {
      model: open(access, model),
      prompt: PROMPT,
      tools: Object.fromEntries(tools.map((own) => [own.name, toolOf(own)])),
      stopWhen: isStepCount(5),
      maxRetries: 0,
      // Only OpenAI keeps what was said, for the client to name it later.
      providerOptions: format === 'responses' && !model.startsWith('openai/') ? { openai: { store: false } } : {},
      ...(signal && { abortSignal: signal }),
    };
    if (!isStream) {
      const { text, usage } = await generateText(options);
      return { text, tokens: [usage.inputTokens, usage.outputTokens] };
    }
    let failure: unknown;
    const result = streamText({ ...options, onError: ({ error }) => void (failure ??= error) });
    for await (const text of result.textStream) onText?.(text);
    if (failure !== undefined) throw failure;
    const { inputTokens, outputTokens } = await result.usage;
    return { text: await result.text, tokens: [inputTokens, outputTokens] };
  },
  ...(openEmbedding && {
    async embed(access: Access, model: string) {
      const { embedding } = await embed({ model: openEmbedding(access, model), value: 'some words', maxRetries: 0 });
      return embedding;
    },
  }),
  readFailure(error) {
    if (APICallError.isInstance(error)) return { kind: error.name, status: error.statusCode, message: error.message };
    const { name, message } = error instanceof Error ? error : { name: 'no error', message: JSON.stringify(error) };
    return { kind: name, status: undefined, message };
  },
  kindFor: (status) => (status === undefined ? 'AI_StreamProviderError' : 'AI_APICallError'),
}));

function toolOf(own: OwnTool) {
  return tool({
    description: own.description,
    inputSchema: jsonSchema<Record<string, string>>(schemaOf(own)),
    execute: (args) => own.run(String(args[own.argument])),
  });
}
