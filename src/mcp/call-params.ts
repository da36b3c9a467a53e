import type { JsonObject, RequestId } from '../lib/json-rpc.ts';
import { scanObject } from '../lib/json-scan.ts';

/** The params of a tools/call on their way through: what the gateway reads, and the rest as the caller wrote it. */
export interface CallParams {
  /** The public name. */
  readonly name: string;
  /** Under which the caller wants to hear of progress. */
  readonly progressToken: RequestId | undefined;
  /** The members beside `name` and `_meta` as JSON text, each with a comma before it. */
  readonly rest: string;
  /** The members of `_meta` that are meant for the server, likewise. */
  readonly meta: string;
}

/** `_meta` keys in which a modern client speaks to us, its next hop; the connection upstream has its own. */
const ENVELOPE_PREFIX = 'io.modelcontextprotocol/';

/** Reads params from the bytes of a checked JSON object. Numbers keep their digits, unknown members stay. */
export function readCallParams(name: string, params: Buffer, progressToken: RequestId | undefined): CallParams {
  let rest = '';
  let meta = '';
  scanObject(params, (key, start, end) => {
    if (key === '_meta') meta = readMeta(params, start);
    else if (key !== 'name') rest += member(key, params, start, end);
  });
  return { name, progressToken, rest, meta };
}

/** Params for callers that have only a name and arguments, the arguments as checked JSON text. */
export function toCallParams(name: string, argumentsJson: string): CallParams {
  return { name, progressToken: undefined, rest: `,"arguments":${argumentsJson}`, meta: '' };
}

/** The complete request for the server; its id doubles as the progress token. One line, as stdio wants it. */
export function writeToolCall(id: number, tool: string, { rest, meta, progressToken }: CallParams): string {
  const own = progressToken === undefined ? meta : `,"progressToken":${id}${meta}`;
  const tail = own === '' ? '' : `,"_meta":{${own.slice(1)}}`;
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":${JSON.stringify(tool)}${rest}${tail}}}`;
}

function readMeta(bytes: Buffer, from: number): string {
  let meta = '';
  scanObject(
    bytes,
    (key, start, end) => {
      if (key !== 'progressToken' && !key.startsWith(ENVELOPE_PREFIX)) meta += member(key, bytes, start, end);
    },
    from,
  );
  return meta;
}

/** Inside a checked JSON text a line break can only be white space, so it may become a blank. */
function member(key: string, bytes: Buffer, start: number, end: number): string {
  return `,${JSON.stringify(key)}:${bytes.toString('utf8', start, end).replaceAll(/[\r\n]+/g, ' ')}`;
}

/** The progress token of a request, if it has a valid one (string or number). */
export function progressTokenOf(meta: JsonObject | undefined): RequestId | undefined {
  const token = meta?.progressToken;
  return typeof token === 'string' || typeof token === 'number' ? token : undefined;
}
