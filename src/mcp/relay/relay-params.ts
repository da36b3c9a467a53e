import type { JsonObject, RequestId } from '../../lib/json-rpc.ts';
import { scanObject } from '../../lib/json-scan.ts';

/** The params of a request on their way through, as the caller wrote them: numbers keep their digits, unknown members stay. */
export interface RelayParams {
  /** The JSON text of each member but `_meta`. */
  readonly members: ReadonlyMap<string, string>;
  /** The members of `_meta` that are meant for the server, as JSON text, each with a comma before it. */
  readonly meta: string;
  /** The members of `_meta` that say which trace the request belongs to, in the same form. */
  readonly trace: string;
  /** Under which the caller wants to hear of progress. */
  readonly progressToken: RequestId | undefined;
  /** Which of its accounts with the server the caller means. It is said to us and goes no further. */
  readonly account: string | undefined;
}

/** `_meta` keys in which a modern client speaks to us, its next hop; what goes upstream has its own. */
const ENVELOPE_PREFIX = 'io.modelcontextprotocol/';
const TRACE_KEYS = new Set(['traceparent', 'tracestate']);
const ACCOUNT_KEY = 'asbru/account';

/** Reads params from the bytes of a checked JSON object, which begins at `from`. */
export function readRelayParams(bytes: Buffer, from = 0): RelayParams {
  const members = new Map<string, string>();
  let read = NO_META;
  scanObject(
    bytes,
    (key, start, end) => {
      if (key !== '_meta') members.set(key, textOf(bytes, start, end));
      else if (bytes[start] === 0x7b) read = readMeta(bytes, start);
    },
    from,
  );
  // One by one, as a spread would cost each call twice as much as all else here.
  const { meta, trace, progressToken, account } = read;
  return { members, meta, trace, progressToken, account };
}

/** Params for callers that have only a name and arguments, the arguments as checked JSON text. */
export function toRelayParams(argumentsJson: string): RelayParams {
  return { members: new Map([['arguments', argumentsJson]]), ...NO_META };
}

/**
 * The complete request for a server, as one line. `replace` puts other JSON texts in the place of members (undefined removes
 * one); the id doubles as the progress token; `envelope` is what a modern server must be told, as members of `_meta`.
 */
export function writeRelayed(
  id: number,
  method: string,
  { members, meta, trace, progressToken }: RelayParams,
  replace: Readonly<Record<string, string | undefined>>,
  envelope: string,
): string {
  let inside = '';
  for (const [key, text] of members) if (!Object.hasOwn(replace, key)) inside += `,${JSON.stringify(key)}:${text}`;
  for (const key of Object.keys(replace)) {
    const text = replace[key];
    if (text !== undefined) inside += `,${JSON.stringify(key)}:${text}`;
  }
  const own = (progressToken === undefined ? '' : `,"progressToken":${id}`) + envelope + meta + trace;
  if (own !== '') inside += `,"_meta":{${own.slice(1)}}`;
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":{${inside.slice(1)}}}`;
}

type Meta = Omit<RelayParams, 'members'>;
const NO_META: Meta = Object.freeze({ meta: '', trace: '', progressToken: undefined, account: undefined });

function readMeta(bytes: Buffer, from: number): Meta {
  let meta = '';
  let trace = '';
  let progressToken: RequestId | undefined;
  let account: unknown;
  scanObject(
    bytes,
    (key, start, end) => {
      if (key === 'progressToken') progressToken = JSON.parse(bytes.toString('utf8', start, end)) as RequestId;
      else if (key === ACCOUNT_KEY) account = JSON.parse(bytes.toString('utf8', start, end));
      else if (TRACE_KEYS.has(key)) trace += `,${JSON.stringify(key)}:${textOf(bytes, start, end)}`;
      else if (!key.startsWith(ENVELOPE_PREFIX)) meta += `,${JSON.stringify(key)}:${textOf(bytes, start, end)}`;
    },
    from,
  );
  const isToken = typeof progressToken === 'string' || typeof progressToken === 'number';
  return {
    meta,
    trace,
    progressToken: isToken ? progressToken : undefined,
    account: typeof account === 'string' ? account : undefined,
  };
}

/** Inside a checked JSON text a line break can only be white space, so it may become a blank. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]+/g, ' ') : text;
}

/** Members of `_meta` as {@link writeRelayed} takes them. */
export function metaMembers(members: JsonObject): string {
  const inside = JSON.stringify(members).slice(1, -1);
  return inside === '' ? '' : `,${inside}`;
}
