import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { allTextOf, type PeerClient } from '../peer-client.ts';

const PEER = 'peer';

/** The MCP adapters of LangChain: tools are called as LangChain tools. */
export const client: PeerClient = {
  async open({ url, transport, headers }) {
    let onProgress: (() => void) | undefined;
    const mcp = new MultiServerMCPClient({
      mcpServers: { [PEER]: { transport, url, headers, automaticSSEFallback: false } },
      onProgress: () => onProgress?.(),
    });
    const tools = await mcp.getTools();
    const sdk = await mcp.getClient(PEER);
    if (sdk === undefined) throw new Error('LangChain did not connect');
    return {
      listTools: async () => tools.map(({ name }) => name),
      async callTool(name, args, options = {}) {
        const tool = tools.find((tool) => tool.name === name);
        if (tool === undefined) throw new Error(`no tool ${name}`);
        onProgress = options.onProgress;
        const answer: unknown = await tool.invoke(args, options.signal && { signal: options.signal });
        return typeof answer === 'string' ? answer : JSON.stringify(answer);
      },
      listResources: async () => ((await mcp.listResources(PEER))[PEER] ?? []).map(({ uri }) => uri),
      readResource: async (uri) => allTextOf(await mcp.readResource(PEER, uri)),
      listPrompts: async () => (await sdk.listPrompts()).prompts.map(({ name }) => name),
      getPrompt: async (name, args) => allTextOf((await sdk.getPrompt({ name, arguments: args })).messages),
      close: () => mcp.close(),
    };
  },
};
