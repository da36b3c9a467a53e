import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { allTextOf, answers, textOf, type PeerClient, type PeerSession, type Target } from '../peer-client.ts';

const MODERN = '2026-07-28';

export type Era = 'legacy' | 'modern';

/** The official SDK v2 as it comes: it speaks the older revisions. */
export const legacy: PeerClient = { open: (target) => connectV2(transportTo(target), 'legacy') };

/** The official SDK v2, pinned to the revision of 2026-07-28. */
export const modern: PeerClient = { open: (target) => connectV2(transportTo(target), 'modern') };

/** Connects the official SDK v2 over any transport. */
export async function connectV2(transport: Transport, era: Era): Promise<PeerSession> {
  const negotiation = era === 'modern' ? { versionNegotiation: { mode: { pin: MODERN } } } : {};
  const sdk = new Client(
    { name: 'peer', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} }, sampling: {} }, ...negotiation },
  );
  sdk.setRequestHandler('elicitation/create', () => answers.elicitation);
  sdk.setRequestHandler('sampling/createMessage', () => answers.sampling);
  await sdk.connect(transport);
  return {
    listTools: async () => (await sdk.listTools()).tools.map(({ name }) => name),
    async callTool(name, args, { signal, onProgress } = {}) {
      const options = { ...(signal && { signal }), ...(onProgress && { onprogress: onProgress }) };
      return textOf(await sdk.callTool({ name, arguments: args }, options));
    },
    listResources: async () => (await sdk.listResources()).resources.map(({ uri }) => uri),
    readResource: async (uri) => allTextOf((await sdk.readResource({ uri })).contents),
    listPrompts: async () => (await sdk.listPrompts()).prompts.map(({ name }) => name),
    getPrompt: async (name, args) => allTextOf((await sdk.getPrompt({ name, arguments: args })).messages),
    async close() {
      if (era === 'legacy' && transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
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
