import { z } from 'zod';

/** Names that mean a kind of provider by themselves. Every other name needs a `custom_provider_config`. */
export const BUILT_IN_PROVIDERS = [
  'anthropic',
  'azure',
  'bedrock',
  'bedrock_mantle',
  'cerebras',
  'cohere',
  'databricks',
  'deepseek',
  'elevenlabs',
  'fireworks',
  'gemini',
  'groq',
  'huggingface',
  'mistral',
  'nebius',
  'ollama',
  'openai',
  'opencode-go',
  'opencode-zen',
  'openrouter',
  'parasail',
  'perplexity',
  'replicate',
  'runware',
  'runway',
  'sarvam',
  'sgl',
  'vertex',
  'vllm',
  'wafer',
  'xai',
  'zro',
] as const;

/** The name of a provider: what stands before the slash in "openai/gpt-5". */
export const ProviderName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be lower-case letters, digits, "-", "_" or ".", at most 100 of them');
