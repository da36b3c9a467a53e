import * as aiSdk from './clients/ai-sdk.ts';
import * as inspector from './clients/inspector.ts';
import * as langchain from './clients/langchain.ts';
import * as mcpRemote from './clients/mcp-remote.ts';
import * as openaiAgents from './clients/openai-agents.ts';
import * as sdkV1 from './clients/sdk-v1.ts';
import * as sdkV2 from './clients/sdk-v2.ts';
import type { PeerClient } from './peer-client.ts';

/** The clients by the name that the table shows. */
export const CLIENTS: Readonly<Record<string, PeerClient>> = {
  'SDK v1': sdkV1.client,
  'SDK v2': sdkV2.legacy,
  'SDK v2 modern': sdkV2.modern,
  Inspector: inspector.legacy,
  'Inspector modern': inspector.modern,
  'AI SDK': aiSdk.client,
  'OpenAI Agents': openaiAgents.client,
  LangChain: langchain.client,
  'mcp-remote': mcpRemote.legacy,
  'mcp-remote modern': mcpRemote.modern,
};
