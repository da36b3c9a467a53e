import { aiSdk } from './clients/ai-sdk.ts';
import { anthropic } from './clients/anthropic.ts';
import { langchain } from './clients/langchain.ts';
import { openaiChat, openaiResponses } from './clients/openai.ts';
import type { LlmClient } from './llm-client.ts';

/** All clients, each in each of its formats. */
export const CLIENTS: readonly LlmClient[] = [openaiChat, openaiResponses, anthropic, ...aiSdk, ...langchain];
