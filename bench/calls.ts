import type { Call, Reply } from './exchange.ts';
import { createChat, type ChatKind } from './chat-call.ts';
import { describe, messageOf } from './exchange.ts';
import { createSameness } from './same-answer.ts';

/** Which call to repeat: echo, a page of rows, a list of `count` tools, whatever a server says that sends the same bytes each time, or a question to a model. */
export type CallKind =
  | { kind: 'echo' | 'page'; tool: string }
  | { kind: 'list'; count: number }
  | { kind: 'same-bytes'; count: number }
  | ChatKind;

/** How the caller speaks: sessions of 2025-11-25, the stateless 2026-07-28, or plain POSTs that need neither. */
export type Era = 'legacy' | 'modern' | 'none';

/** Prepares a kind of call for an era of the protocol. */
export function createCall(kind: CallKind, era: Era): Call {
  if (kind.kind === 'chat') return createChat(kind);
  const method = 'tool' in kind ? 'tools/call' : 'tools/list';
  const call = 'count' in kind ? createList(kind, era) : WRITERS[kind.kind](kind.tool, era);
  if (era !== 'modern') return { ...call, headers: {} };
  const headers: Record<string, string> = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method };
  if ('tool' in kind) headers['mcp-name'] = kind.tool;
  return { ...call, headers };
}

/** The two that MCP servers are called with. */
type McpKind = Exclude<CallKind, ChatKind>;
type WriteAndCheck = Omit<Call, 'headers'>;

function createEcho(tool: string, era: Era): WriteAndCheck {
  // Unique, and with what a careless relay would spoil: quotes, a backslash, a line break, characters beyond ASCII.
  const textOf = (id: number) => `call ${id}: "quoted" \\ über 橋\nand a second line`;
  return {
    write: (id) =>
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        method: 'tools/call',
        params: { name: tool, arguments: { text: textOf(id) }, ...metaOf(era) },
      }),
    check(id, reply) {
      const message = reply.status === 200 ? (JSON.parse(messageOf(reply)) as EchoReply) : {};
      const content = message.result?.content;
      const isRight =
        message.id === id &&
        content?.length === 1 &&
        content[0]?.type === 'text' &&
        content[0].text === textOf(id) &&
        !message.result?.isError;
      if (!isRight) throw new Error(`wrong answer to tools/call ${id}: ${describe(reply)}`);
    },
  };
}

function createPage(tool: string, era: Era): WriteAndCheck {
  const params = { name: tool, arguments: {}, ...metaOf(era) };
  return {
    write: (id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }),
    check: createSameness(String, checkPage),
  };
}

function checkPage(reply: Reply): void {
  const { result } = (reply.status === 200 ? JSON.parse(messageOf(reply)) : {}) as PageReply;
  const rows = JSON.stringify(result?.structuredContent);
  const isRight = rows !== undefined && rows === JSON.stringify(JSON.parse(result?.content?.[0]?.text ?? 'null'));
  if (!isRight) throw new Error(`wrong answer to tools/call: ${describe(reply)}`);
}

const WRITERS = { echo: createEcho, page: createPage };

interface PageReply {
  result?: { content?: { text?: string }[]; structuredContent?: object };
}

interface EchoReply {
  id?: number;
  result?: { isError?: boolean; content?: { type?: string; text?: string }[] };
}

function createList(kind: Exclude<McpKind, { tool: string }>, era: Era): WriteAndCheck {
  const checkSame = createSameness(kind.kind === 'list' ? (id) => String(id) : undefined, (reply) =>
    checkList(kind.count, reply),
  );
  return {
    write: (id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: metaOf(era) }),
    check: checkSame,
  };
}

function checkList(count: number, reply: Reply): void {
  const message =
    reply.status === 200 ? (JSON.parse(messageOf(reply)) as { result?: { tools?: { name: string }[] } }) : {};
  const names = new Set(message.result?.tools?.map((tool) => tool.name));
  if (names.size !== count)
    throw new Error(`tools/list gave ${names.size} tools instead of ${count}: ${describe(reply)}`);
}

function metaOf(era: Era): object {
  if (era !== 'modern') return {};
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return { _meta };
}
