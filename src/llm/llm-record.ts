import type { Caller } from '../governance/caller.ts';
import { membersOf, textOfMember } from '../lib/json-members.ts';
import { timeUuid } from '../lib/time-uuid.ts';
import { readTraceContext, type TraceContext } from '../lib/trace-context.ts';
import { headerOf, keepsContent, metadataOf, refusalOf, withTraceId, type LogSettings } from '../mcp/call-record.ts';
import type { LlmEnd, LlmStart, TokenUsage } from '../store/ledger-rows.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CallerFormat } from './formats/format.ts';
import type { Tracing } from '../telemetry/spans.ts';

interface RecordDeps {
  readonly ledger: Pick<Ledger, 'beginLlm'>;
  readonly metrics: Pick<Metrics, 'modelRequest'>;
  readonly tracing: Pick<Tracing, 'isOn' | 'startModelRequest'>;
  readonly settings: () => LogSettings;
}

/** A request to one provider, as it begins. */
export interface LlmRequest {
  /** Made by the gateway, never the caller's; absent: it is made here. */
  readonly id?: string | undefined;
  readonly caller: Caller;
  /** As the caller sent them, names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly format: CallerFormat;
  readonly provider: string;
  /** As the provider names it. */
  readonly model: string;
  /** As the caller named it. */
  readonly requested: string;
  readonly isStream: boolean;
  /** The first request of the same agent run or chain of fallbacks: the id of its record. */
  readonly parent?: string | undefined;
  /** 0, or absent, for the target that is asked first. */
  readonly fallbackIndex?: number | undefined;
  /** Asked only where content is kept; {@link contentOf} makes it of a body. */
  readonly content: () => LlmContent;
}

/** What was asked, as JSON text. */
export type LlmContent = Partial<Pick<LlmStart, 'input' | 'params' | 'tools'>>;

/** The provider's key that a request is sent with. */
export interface UsedKey {
  readonly id: string;
  readonly name: string;
}

/** What is known of an answer. */
export interface LlmAnswer {
  readonly usage: TokenUsage | undefined;
  /** Nano-dollars; undefined: nobody knows. */
  readonly cost: number | undefined;
  readonly stopReason?: string | undefined;
  /** The answer's message or output as JSON text; asked only where content is kept. */
  readonly output?: (() => string | undefined) | undefined;
}

/** The one ledger entry of a request to a provider, with its span and its place in the metrics. Only the first end counts. */
export interface LlmRecord {
  /** The `parent` of fallbacks and of further rounds. */
  readonly id: string;
  /** Our span, for the provider to join; without tracing, the trace that the caller is in, if any. */
  readonly trace: TraceContext | undefined;
  /** It is sent with this key; every time after the first is a retry. */
  attempt(key: UsedKey): void;
  /** The answer begins; only the first word counts. */
  firstByte(): void;
  answered(answer: LlmAnswer): void;
  /** It was refused, or failed. What came before that, and cost something, stands in `partial`. */
  failed(error: unknown, partial?: LlmAnswer): void;
}

/** Writes down requests to models: who asked whom, with how many tokens, at what cost. */
export interface LlmRecords {
  begin(request: LlmRequest): LlmRecord;
  /** Requests that have begun and not ended. */
  readonly inFlight: number;
}

const MAX_TEXT = 64 * 1024;
const OBJECTS: Readonly<Record<CallerFormat, string>> = {
  chat: 'chat_completion',
  responses: 'responses',
  messages: 'messages',
  embeddings: 'embedding',
};

/** The one place where requests to models are recorded: in the ledger, in the metrics, and in traces. */
export function createLlmRecords({ ledger, metrics, tracing, settings }: RecordDeps): LlmRecords {
  let inFlight = 0;

  function begin(request: LlmRequest): LlmRecord {
    const now = settings();
    const isContentKept = keepsContent(now, request);
    const asked = describe(request, isContentKept, now.logging_headers);
    const told = readTraceContext(headerOf(request.headers['traceparent']), headerOf(request.headers['tracestate']));
    const span = tracing.isOn ? tracing.startModelRequest(told, asked) : undefined;
    const trace = span?.context ?? told;
    const start = trace === undefined ? asked : { ...asked, metadata: withTraceId(asked.metadata, trace) };
    const entry = ledger.beginLlm(start);
    const startedAt = performance.now();
    const elapsed = () => performance.now() - startedAt;
    let attempts = 0;
    let key: UsedKey | undefined;
    let firstByte: number | undefined;
    let hasEnded = false;
    inFlight += 1;

    function end(outcome: Pick<LlmEnd, 'status' | 'error' | 'cost'>, answer: LlmAnswer | undefined): void {
      if (hasEnded) return;
      hasEnded = true;
      inFlight -= 1;
      const ended: LlmEnd = {
        ...outcome,
        latency: elapsed(),
        first_byte: firstByte,
        usage: answer?.usage,
        stop_reason: answer?.stopReason,
        output: isContentKept ? cut(answer?.output?.()) : undefined,
        number_of_retries: Math.max(attempts - 1, 0),
        selected_key_id: key?.id,
        selected_key_name: key?.name,
      };
      entry.end(ended);
      metrics.modelRequest(start, ended);
      span?.end(ended);
    }

    return {
      id: start.id,
      trace,
      attempt(used) {
        attempts += 1;
        key = used;
      },
      firstByte: () => void (firstByte ??= elapsed()),
      answered: (answer) => end({ status: 'success', error: undefined, cost: answer.cost }, answer),
      failed(error, partial) {
        // Nothing came, so nothing was used.
        const cost = partial === undefined ? 0 : partial.cost;
        end({ status: 'error', error: refusalOf(error, isContentKept), cost }, partial);
      },
    };
  }

  return {
    begin,
    get inFlight() {
      return inFlight;
    },
  };
}

function describe(request: LlmRequest, isContentKept: boolean, loggedHeaders: readonly string[]): LlmStart {
  const { caller, headers, format, provider, model, requested, isStream, parent, fallbackIndex = 0 } = request;
  const { key } = caller;
  const timestamp = Date.now();
  const { input, params, tools } = isContentKept ? request.content() : {};
  return {
    id: request.id ?? timeUuid(timestamp),
    parent_request_id: parent,
    fallback_index: fallbackIndex,
    timestamp,
    object: OBJECTS[format],
    provider,
    model,
    alias: requested === model ? undefined : requested,
    stream: isStream,
    principal: caller.principal,
    virtual_key_id: key?.id,
    virtual_key_name: key?.name,
    team_id: key?.team?.id,
    team_name: key?.team?.name,
    customer_id: key?.customer?.id,
    customer_name: key?.customer?.name,
    user_agent: headerOf(headers['user-agent']),
    request_id: headerOf(headers['x-request-id']),
    input: cut(input),
    params: cut(params),
    tools: cut(tools),
    metadata: metadataOf(headers, loggedHeaders),
  };
}

/** One character more than is kept, so that the row knows that it was cut. */
function cut(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_TEXT + 1);
}

/** What of a request is logged, as it was written: what was said, the tools, and all other parameters. */
export function contentOf(format: CallerFormat, body: Buffer): LlmContent {
  // Not parsed to be written again: a request carries tools by the hundred.
  const texts: Partial<Record<string, string>> = {};
  let params = '';
  for (const member of membersOf(body).list) {
    const text = textOfMember(body, member);
    if (APART.has(member.key)) texts[member.key] = text;
    else params += `${params === '' ? '' : ','}${JSON.stringify(member.key)}:${text}`;
  }
  const { tools, messages, input, system, instructions } = texts;
  const said = format === 'responses' || format === 'embeddings' ? input : messages;
  const before = format === 'messages' ? system : instructions;
  // What the model was told before anything was said belongs to it.
  const all = before === undefined ? said : `{"instructions":${before},"messages":${said ?? 'null'}}`;
  return { input: all, params: `{${params}}`, tools };
}

/** What is no parameter. */
const APART: ReadonlySet<string> = new Set(['tools', 'messages', 'input', 'system', 'instructions']);
