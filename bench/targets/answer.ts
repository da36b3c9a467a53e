/** A JSON-RPC message as the upstream servers of the bench read it. */
export interface Message {
  id?: string | number;
  method?: string;
  params?: { protocolVersion?: string; name?: string; arguments?: { text?: unknown } };
}

/** What `page` gives: 32 KB of JSON as text and as what it means, as servers of databases, trackers and files do. */
const PAGE = JSON.stringify(pageOf(90));

function pageOf(count: number): object {
  const rows = Array.from({ length: count }, (_, number) => ({
    number,
    title: `Row ${number} says "nothing" of C:\\temp and über`,
    state: number % 3 === 0 ? 'closed' : 'open',
    labels: ['bug', 'needs review'],
    votes: { up: number * 7, down: 3 },
  }));
  return { content: [{ type: 'text', text: JSON.stringify({ rows }, undefined, 2) }], structuredContent: { rows } };
}

/** Answers one request as a fast server of revision 2025-11-25 would; `tools` is the ready JSON text of its list. */
export function answer(message: Message, tools: string): string {
  const id = JSON.stringify(message.id);
  switch (message.method) {
    case 'tools/call': {
      const { name, arguments: args } = message.params ?? {};
      if (name === 'page') return `{"jsonrpc":"2.0","id":${id},"result":${PAGE}}`;
      if (name !== 'echo' || typeof args?.text !== 'string')
        return refusal(id, -32602, 'Only echo {text} and page can be called');
      return `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":${JSON.stringify(args.text)}}]}}`;
    }
    case 'tools/list':
      return `{"jsonrpc":"2.0","id":${id},"result":{"tools":${tools}}}`;
    case 'ping':
      return `{"jsonrpc":"2.0","id":${id},"result":{}}`;
    case 'initialize': {
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'bench-upstream', version: '1.0.0' },
      };
      return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`;
    }
    case undefined:
    default:
      return refusal(id, -32601, 'Method not found');
  }
}

function refusal(id: string, code: number, message: string): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message })}}`;
}
