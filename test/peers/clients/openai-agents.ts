import { MCPServerSSE, MCPServerStreamableHttp } from '@openai/agents';
import { allTextOf, textOf, type PeerClient } from '../peer-client.ts';

/** The MCP client of the OpenAI Agents SDK. */
export const client: PeerClient = {
  async open({ url, transport, headers }) {
    const options = { url, requestInit: { headers }, name: 'peer' };
    const server = transport === 'sse' ? new MCPServerSSE(options) : new MCPServerStreamableHttp(options);
    await server.connect();
    return {
      listTools: async () => (await server.listTools()).map(({ name }) => name),
      callTool: async (name, args, { signal } = {}) =>
        textOf(await server.callToolResult(name, args, undefined, signal && { signal })),
      listResources: async () => (await server.listResources()).resources.map(({ uri }) => uri),
      readResource: async (uri) => allTextOf((await server.readResource(uri)).contents),
      close: () => server.close(),
    };
  },
};
