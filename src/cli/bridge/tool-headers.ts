import type { JsonObject, JsonRpcError, JsonValue } from '../../lib/json-rpc.ts';
import { headersFor } from '../../mcp/relay/mirror-params.ts';
import { readParamHeaders, type ParamHeader } from '../../mcp/upstream/param-headers.ts';
import { createAnswerReader, type AnswerReader } from './answer-reader.ts';
import type { Link } from './link.ts';
import { readRpcError, type ClientMessage } from './message.ts';
import { META_VERSION, modernHeaders } from './modern-headers.ts';

/** The headers that repeat a modern call, the arguments included: HTTP wants them, and a client over stdio knows nothing of them. */
export interface ToolHeaders {
  /** Undefined for an older revision. */
  headersOf(message: ClientMessage): readonly string[] | undefined;
  /** After a refusal for the headers: finds out what the tool wants repeated. True when the call may be sent again. */
  learn(message: ClientMessage, refusal: AnswerReader): Promise<boolean>;
}

const HEADER_MISMATCH = -32020;
const ENVELOPE_PREFIX = 'io.modelcontextprotocol/';

/** Lists the tools only when the gateway has refused a call, which it does for tools with annotations alone. */
export function createToolHeaders(link: Link): ToolHeaders {
  let known: ReadonlyMap<unknown, readonly ParamHeader[]> = new Map();

  async function list(envelope: JsonObject): Promise<JsonValue | undefined> {
    const message = { jsonrpc: '2.0', id: 'asbru-tools', method: 'tools/list', params: { _meta: envelope } };
    const headers = modernHeaders(envelope[META_VERSION] as string, message.method, undefined);
    const answers: Buffer[] = [];
    const reader = createAnswerReader({ onMessage: (answer) => answers.push(answer) });
    await link.post(Buffer.from(JSON.stringify(message)), headers, reader).done;
    const answer = JSON.parse((answers.at(-1) ?? reader.body()).toString()) as { result?: JsonObject };
    return answer.result?.tools;
  }

  return {
    headersOf(message) {
      const { modernHeaders: standard } = message;
      if (standard === undefined || message.method !== 'tools/call' || known.size === 0) return standard;
      const { name, arguments: input } = paramsOf(message);
      return [...standard, ...Object.entries(headersFor(known.get(name) ?? [], input)).flat()];
    },
    async learn(message, refusal) {
      if (message.modernHeaders === undefined || message.method !== 'tools/call' || !isMismatch(refusal)) return false;
      const { name, _meta } = paramsOf(message);
      const tools = await list(envelopeOf(_meta)).catch(() => undefined); // the refusal says enough
      known = new Map(Array.isArray(tools) ? tools.flatMap(headersOfTool) : []);
      return known.has(name);
    },
  };
}

function headersOfTool(tool: JsonValue): [name: unknown, headers: readonly ParamHeader[]][] {
  const read = readParamHeaders(JSON.stringify(tool));
  return read.valid && read.headers.length > 0 ? [[(tool as JsonObject).name, read.headers]] : [];
}

/** Only what says who asks: the progress token is the call's alone. */
function envelopeOf(meta: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(meta).filter(([key]) => key.startsWith(ENVELOPE_PREFIX)));
}

function isMismatch(reader: AnswerReader): boolean {
  const failure = reader.status === 400 ? readRpcError(reader.body()) : undefined;
  return failure !== undefined && (JSON.parse(failure.error.toString()) as JsonRpcError).code === HEADER_MISMATCH;
}

/** Only for a modern call, which has been seen to have params with `_meta`. */
function paramsOf({ bytes }: ClientMessage): { name?: unknown; arguments?: JsonValue; _meta: JsonObject } {
  return (JSON.parse(bytes.toString()) as { params: { _meta: JsonObject } }).params;
}
