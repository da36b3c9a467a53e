import type { ClientSettings } from '../contract/client-settings.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { JsonObject, Reply } from '../lib/json-rpc.ts';
import { objectOf } from '../lib/json-value.ts';
import { timeUuid } from '../lib/time-uuid.ts';
import { parseTraceParent, type TraceContext } from '../lib/trace-context.ts';
import type { CallEnd, CallStart } from '../store/ledger-rows.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ClientRequest } from './client-side.ts';
import { traceOf } from './relay/trace.ts';
import type { Tracing } from '../telemetry/spans.ts';

/** What of the settings says what is kept of a call. */
export type LogSettings = Pick<
  ClientSettings,
  'disable_content_logging' | 'allow_per_request_content_storage_override' | 'logging_headers'
>;

interface RecordDeps {
  readonly ledger: Pick<Ledger, 'begin'>;
  readonly metrics: Pick<Metrics, 'toolCall'>;
  readonly tracing: Pick<Tracing, 'isOn' | 'startToolCall'>;
  readonly settings: () => LogSettings;
}

/** What a called name stands for: a tool of a server, or of the gateway itself. */
interface Recorded {
  readonly own: string;
  readonly upstream: { readonly client: { readonly name: string; readonly client_id: string | undefined } };
}

/** The one ledger entry of a call, with its span and its place in the metrics, from its beginning to its end. */
export interface CallRecord {
  /** Id of the entry. */
  readonly id: string;
  /** Our span, for the server to join; undefined where nothing is traced. */
  readonly trace: TraceContext | undefined;
  /** The server answered. `cost` is in nano-dollars. */
  answered(reply: Reply, cost: number): void;
  /** There is no answer: the call was refused, or failed on its way. */
  failed(error: unknown): void;
}

/** Writes down calls: who called what, with which result, at what cost. */
export interface CallRecords {
  /** Begins the record of a call of the tool with that public name; `tool` is what the name stands for, if anything. */
  begin(name: string, tool: Recorded | undefined, request: ClientRequest): CallRecord;
  /** Calls that have begun and not ended. */
  readonly inFlight: number;
}

/** What is kept of one text; the ledger keeps no more anyway. */
const MAX_TEXT = 64 * 1024;
const MAX_MESSAGE = 1_000;
const MAX_NAME = 255;
/** Errors that quote what the server said. */
const SPOKEN = /^upstream_(?:bad_reply|unauthorized|refused)$/;
const UNKEPT = 'what the server said was not kept';
/** Headers that are never kept, whatever the settings name. */
const SECRET_HEADERS = /^(?:authorization|proxy-authorization|cookie|api-key|x-bf-vk|x-.*-key|x-.*-token|.*secret.*)$/i;

/** The one place where calls are recorded: in the ledger, in the metrics, and in traces. */
export function createCallRecords({ ledger, metrics, tracing, settings }: RecordDeps): CallRecords {
  let inFlight = 0;

  function begin(name: string, tool: Recorded | undefined, request: ClientRequest): CallRecord {
    const now = settings();
    const isContentKept = keepsContent(now, request);
    const called = describe(name, tool, request, isContentKept, now.logging_headers);
    const span = tracing.isOn ? tracing.startToolCall(traceOf(request), called) : undefined;
    const start = span === undefined ? called : { ...called, metadata: withTraceId(called.metadata, span.context) };
    const entry = ledger.begin(start);
    const startedAt = performance.now();
    inFlight += 1;

    function end({ status, cost, result, error }: Omit<CallEnd, 'latency'>): void {
      const ended: CallEnd = { status, latency: performance.now() - startedAt, cost, result, error };
      inFlight -= 1;
      entry.end(ended);
      metrics.toolCall(start, ended);
      span?.end(ended);
    }

    return {
      id: start.id,
      trace: span?.context,
      answered(reply, cost) {
        const error = errorOf(reply, isContentKept);
        const result = isContentKept && reply.kind === 'result' ? textOf(reply.bytes) : undefined;
        end({ status: error === undefined ? 'success' : 'error', cost, result, error });
      },
      failed: (error) => end({ status: 'error', cost: 0, result: undefined, error: refusalOf(error, isContentKept) }),
    };
  }

  return {
    begin,
    get inFlight() {
      return inFlight;
    },
  };
}

function describe(
  name: string,
  tool: Recorded | undefined,
  { caller, side, source, headers, params, parent }: ClientRequest,
  isContentKept: boolean,
  loggedHeaders: readonly string[],
): CallStart {
  const { key } = caller;
  const timestamp = Date.now();
  return {
    id: timeUuid(timestamp),
    timestamp,
    // A name that no server knows is the caller's invention.
    tool_name: tool?.own ?? name.slice(0, MAX_NAME),
    server_label: tool?.upstream.client.name,
    client_id: tool?.upstream.client.client_id,
    principal: caller.principal,
    virtual_key_id: key?.id,
    virtual_key_name: key?.name,
    team_id: key?.team?.id,
    team_name: key?.team?.name,
    customer_id: key?.customer?.id,
    customer_name: key?.customer?.name,
    source,
    app: typeof side.clientInfo?.name === 'string' ? side.clientInfo.name : undefined,
    user_agent: headerOf(headers['user-agent']),
    request_id: headerOf(headers['x-request-id']),
    // All that one request of a model caused has the same; else what one run of code caused has.
    llm_request_id: headerOf(headers['x-bf-parent-request-id']) ?? parent,
    arguments: isContentKept ? params.members.get('arguments')?.slice(0, MAX_TEXT + 1) : undefined,
    metadata: metadataOf(headers, loggedHeaders, parent),
  };
}

/** Whether what a request carries may be kept. The gateway's setting is overruled by the key's, and that by the request's header where it may. */
export function keepsContent(
  settings: LogSettings,
  { caller, headers }: Pick<ClientRequest, 'caller' | 'headers'>,
): boolean {
  const header = settings.allow_per_request_content_storage_override
    ? headerOf(headers['x-bf-disable-content-logging'])?.toLowerCase()
    : undefined;
  if (header === 'true' || header === 'false') return header === 'false';
  return !(caller.key?.disableContentLogging ?? settings.disable_content_logging);
}

/** The headers that are to be kept, without secrets, and what the call is a part of. */
export function metadataOf(
  headers: ClientRequest['headers'],
  names: readonly string[],
  parent?: string,
): Record<string, string> | undefined {
  if (names.length === 0 && parent === undefined) return undefined;
  const found = names.flatMap((name) => {
    const value = SECRET_HEADERS.test(name) ? undefined : headerOf(headers[name.toLowerCase()]);
    return value === undefined ? [] : [[name.toLowerCase(), value] as const];
  });
  if (parent !== undefined) found.push(['parent_id', parent]);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** With the id under which a trace is found, so that a row leads to it. */
export function withTraceId(metadata: CallStart['metadata'], trace: TraceContext | undefined): CallStart['metadata'] {
  const traceId = trace && parseTraceParent(trace.traceparent)?.traceId;
  return traceId === undefined ? metadata : { ...metadata, trace_id: traceId };
}

/** What a server says went wrong: an error of the protocol, or a result that is one. Its words are content. */
function errorOf(reply: Reply, isContentKept: boolean): CallEnd['error'] {
  if (reply.kind === 'result' && !reply.isError) return undefined;
  const { code, message, content } = parse(reply.bytes);
  const texts = (Array.isArray(content) ? content : []).map((block) => (block as JsonObject | null)?.text);
  const words = reply.kind === 'error' ? [message] : texts;
  const text = words.filter((word) => typeof word === 'string').join('\n');
  return {
    code: reply.kind === 'result' ? 'tool_error' : typeof code === 'number' ? `rpc_error ${code}` : 'rpc_error',
    message: isContentKept ? text.slice(0, MAX_MESSAGE) : UNKEPT,
  };
}

/** A server may break the protocol. Its answer goes to the caller as it came all the same; here it just has no words. */
function parse(bytes: Buffer): JsonObject {
  try {
    return objectOf(JSON.parse(bytes.toString()));
  } catch {
    return {};
  }
}

/** Why a call has no answer; not in the words of a server, unless content is kept. */
export function refusalOf(error: unknown, isContentKept: boolean): CallEnd['error'] {
  // What is not a GatewayError is a bug, whose words may hold anything.
  if (!(error instanceof GatewayError)) return { code: 'internal_error', message: 'internal error' };
  const { code } = error;
  return { code, message: isContentKept || !SPOKEN.test(code) ? messageOf(error).slice(0, MAX_MESSAGE) : UNKEPT };
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8', 0, Math.min(bytes.length, MAX_TEXT + 4));
}

/** The first value of a header, no longer than is worth keeping. */
export function headerOf(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'string' ? value : value?.[0];
  return text === undefined || text === '' ? undefined : text.slice(0, 500);
}
