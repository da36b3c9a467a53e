import type { Reply } from './exchange.ts';
import { describe, messageOf } from './exchange.ts';

/** Which call to repeat: echo, a list of `count` tools, or whatever a server says that sends the same bytes each time. */
export type CallKind =
  | { kind: 'echo'; tool: string }
  | { kind: 'list'; count: number }
  | { kind: 'same-bytes'; count: number };

/** How the caller speaks: sessions of 2025-11-25, the stateless 2026-07-28, or plain POSTs that need neither. */
export type Era = 'legacy' | 'modern' | 'none';

/** One kind of call: what to send for an id, and a check that throws unless the answer is exactly right. */
export interface Call {
  headers: Record<string, string>;
  write(id: number): string;
  check(id: number, reply: Reply): void;
}

/** Prepares a kind of call for an era of the protocol. */
export function createCall(kind: CallKind, era: Era): Call {
  const method = kind.kind === 'echo' ? 'tools/call' : 'tools/list';
  const call = kind.kind === 'echo' ? createEcho(kind.tool, era) : createList(kind, era);
  if (era !== 'modern') return { ...call, headers: {} };
  const headers: Record<string, string> = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method };
  if (kind.kind === 'echo') headers['mcp-name'] = kind.tool;
  return { ...call, headers };
}

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

interface EchoReply {
  id?: number;
  result?: { isError?: boolean; content?: { type?: string; text?: string }[] };
}

function createList(kind: Exclude<CallKind, { kind: 'echo' }>, era: Era): WriteAndCheck {
  let pattern: { bytes: Buffer; idAt: number; idLength: number } | undefined;
  return {
    write: (id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: metaOf(era) }),
    // Only the first answer is parsed. The others must equal it byte for byte, but for the id, whose width never changes.
    check(id, reply) {
      if (pattern === undefined) {
        checkList(kind.count, reply);
        const idAt = kind.kind === 'list' ? reply.body.indexOf(String(id)) : 0;
        pattern = { bytes: reply.body, idAt, idLength: kind.kind === 'list' ? String(id).length : 0 };
        if (idAt < 0) throw new Error(`no id in the answer to tools/list ${id}: ${describe(reply)}`);
        return;
      }
      const { bytes, idAt, idLength } = pattern;
      const isRight =
        reply.status === 200 &&
        reply.body.length === bytes.length &&
        (idLength === 0 || reply.body.toString('latin1', idAt, idAt + idLength) === String(id)) &&
        reply.body.compare(bytes, 0, idAt, 0, idAt) === 0 &&
        reply.body.compare(bytes, idAt + idLength, bytes.length, idAt + idLength) === 0;
      if (!isRight) throw new Error(`wrong answer to tools/list ${id}: ${describe(reply)}`);
    },
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
