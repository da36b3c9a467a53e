import type { BUILT_IN_PROVIDERS } from '../../../../src/contract/provider-name.ts';

/** A kind of provider that the gateway knows by its name. */
export type BuiltIn = (typeof BUILT_IN_PROVIDERS)[number];

/** Every built-in provider as people write it; the type sees to it that none is forgotten. */
export const BUILT_IN_WORDS: Readonly<Record<BuiltIn, string>> = {
  anthropic: 'Anthropic',
  azure: 'Azure OpenAI',
  bedrock: 'Amazon Bedrock',
  bedrock_mantle: 'Amazon Bedrock Mantle',
  cerebras: 'Cerebras',
  cohere: 'Cohere',
  databricks: 'Databricks',
  deepseek: 'DeepSeek',
  elevenlabs: 'ElevenLabs',
  fireworks: 'Fireworks',
  gemini: 'Gemini',
  groq: 'Groq',
  huggingface: 'Hugging Face',
  mistral: 'Mistral',
  nebius: 'Nebius',
  ollama: 'Ollama',
  openai: 'OpenAI',
  'opencode-go': 'OpenCode Go',
  'opencode-zen': 'OpenCode Zen',
  openrouter: 'OpenRouter',
  parasail: 'Parasail',
  perplexity: 'Perplexity',
  replicate: 'Replicate',
  runware: 'Runware',
  runway: 'Runway',
  sarvam: 'Sarvam',
  sgl: 'SGLang',
  vertex: 'Vertex AI',
  vllm: 'vLLM',
  wafer: 'Wafer',
  xai: 'xAI',
  zro: 'Zro',
};

/** The built-in providers to choose from. */
export const BUILT_IN_OPTIONS = Object.entries(BUILT_IN_WORDS).map(([value, label]) => ({ value, label }));

/** A provider as people write it. */
export function providerWord(name: string): string {
  return (BUILT_IN_WORDS as Readonly<Record<string, string>>)[name] ?? name;
}
