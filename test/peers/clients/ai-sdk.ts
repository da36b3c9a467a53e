import { createMCPClient, ElicitationRequestSchema } from '@ai-sdk/mcp';
import { generateText } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { allTextOf, answers, textOf, type PeerClient } from '../peer-client.ts';

/** The AI SDK: tools are called by `generateText`, as an application does, for a model that always wants the same tool. */
export const client: PeerClient = {
  async open({ url, transport, headers }) {
    const mcp = await createMCPClient({
      transport: { type: transport, url, headers },
      capabilities: { elicitation: {} },
    });
    mcp.onElicitationRequest(ElicitationRequestSchema, () => answers.elicitation);
    return {
      listTools: async () => Object.keys(await mcp.tools()),
      async callTool(name, args, { signal } = {}) {
        const tools = await mcp.tools();
        if (tools[name] === undefined) throw new Error(`no tool ${name}`);
        const model = modelThatCalls(name, args);
        const { content } = await generateText({ model, tools, prompt: 'Go', ...(signal && { abortSignal: signal }) });
        const part = content.find(({ type }) => type === 'tool-result' || type === 'tool-error');
        if (part?.type === 'tool-error') throw part.error;
        return textOf(part?.type === 'tool-result' ? (part.output as object) : {});
      },
      listResources: async () => (await mcp.listResources()).resources.map(({ uri }) => uri),
      readResource: async (uri) => allTextOf((await mcp.readResource({ uri })).contents),
      listPrompts: async () => (await mcp.listPrompts()).prompts.map(({ name }) => name),
      getPrompt: async (name, args) => allTextOf((await mcp.getPrompt({ name, arguments: args })).messages),
      close: () => mcp.close(),
    };
  },
};

function modelThatCalls(toolName: string, args: Record<string, unknown>): MockLanguageModelV4 {
  const none = { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0, text: 0, reasoning: 0 };
  return new MockLanguageModelV4({
    doGenerate: {
      content: [{ type: 'tool-call', toolCallId: 'call-1', toolName, input: JSON.stringify(args) }],
      finishReason: { unified: 'tool-calls', raw: undefined },
      usage: { inputTokens: none, outputTokens: none },
      warnings: [],
    },
  });
}
