import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { allTextOf, answers, textOf, type PeerClient, type PeerSession, type Target } from '../peer-client.ts';

/** The official SDK of the revisions up to 2025-11-25. */
export const client: PeerClient = {
  open: (target) => connectV1(transportTo(target)),
};

/** Connects the official SDK v1 over any transport. */
export async function connectV1(transport: Transport): Promise<PeerSession> {
  const sdk = new Client({ name: 'peer', version: '1.0.0' }, { capabilities: { elicitation: {}, sampling: {} } });
  sdk.setRequestHandler(ElicitRequestSchema, () => answers.elicitation);
  sdk.setRequestHandler(CreateMessageRequestSchema, () => answers.sampling);
  await sdk.connect(transport);
  return {
    listTools: async () => (await sdk.listTools()).tools.map(({ name }) => name),
    async callTool(name, args, { signal, onProgress } = {}) {
      const options = { ...(signal && { signal }), ...(onProgress && { onprogress: onProgress }) };
      return textOf(await sdk.callTool({ name, arguments: args }, undefined, options));
    },
    listResources: async () => (await sdk.listResources()).resources.map(({ uri }) => uri),
    readResource: async (uri) => allTextOf((await sdk.readResource({ uri })).contents),
    listPrompts: async () => (await sdk.listPrompts()).prompts.map(({ name }) => name),
    getPrompt: async (name, args) => allTextOf((await sdk.getPrompt({ name, arguments: args })).messages),
    async close() {
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
      await sdk.close();
    },
  };
}

function transportTo({ url, transport, headers }: Target): Transport {
  const requestInit = { headers };
  return transport === 'sse'
    ? new SSEClientTransport(new URL(url), { requestInit })
    : new StreamableHTTPClientTransport(new URL(url), { requestInit });
}
