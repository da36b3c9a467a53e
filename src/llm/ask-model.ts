import type { Caller } from '../governance/caller.ts';
import type { Reservation, Spend } from '../governance/spend.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import { dataOf, type Frame } from '../lib/sse-frames.ts';
import { timeUuid } from '../lib/time-uuid.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import type { TokenUsage } from '../store/ledger-rows.ts';
import type { Answer } from './answer.ts';
import { dialectOf } from './dialects/dialects.ts';
import { readWhole } from './exchange.ts';
import { headersFor } from './forward-headers.ts';
import type { LlmRecord, LlmRecords } from './llm-record.ts';
import type { ModelRequest } from './request.ts';
import type { Send, Sent } from './send.ts';
import type { Target } from './target.ts';
import { planTranslation, type Translation } from './translate.ts';
import { usageOf } from './usage.ts';

/** On whose behalf a model is asked, and who may be asked. */
export interface Round {
  readonly request: ModelRequest;
  /** In the order in which they are asked, until one answers. */
  readonly targets: readonly Target[];
  readonly caller: Caller;
  readonly headers: CallerHeaders;
  readonly signal: AbortSignal;
  /** Of this round in the logs. */
  readonly id: string;
  /** The first round of the same run. */
  readonly parentId: string | undefined;
}

/** Asks once, with this body in the caller's format. When nobody answers, throws what the first target had to say. */
export type AskModel = (body: Buffer, round: Round) => Promise<Answer>;

interface AskDeps {
  readonly send: Send;
  readonly spend: Pick<Spend, 'reserve'>;
  readonly records: LlmRecords;
  /** Nano-dollars; undefined: nobody knows. */
  readonly priceOf: (provider: string, model: string, usage: TokenUsage) => number | undefined;
}

/** The most that is read of an answer that is not streamed. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** One attempt, from its reservation to its settlement. */
interface Attempt {
  readonly target: Target;
  readonly sent: Sent;
  readonly translation: Translation;
  readonly reservation: Reservation;
  readonly record: LlmRecord;
  readonly request: ModelRequest;
}

export function createAskModel({ send, spend, records, priceOf }: AskDeps): AskModel {
  async function attempt(body: Buffer, round: Round, target: Target, index: number): Promise<Answer> {
    const { request, caller, headers, signal, parentId } = round;
    const id = index === 0 ? round.id : timeUuid();
    const record = records.begin({
      id,
      parentId: index === 0 ? parentId : round.id,
      index,
      target,
      request,
      body,
      caller,
      headers,
    });
    let reservation: Reservation | undefined;
    try {
      reservation = spend.reserve(target.limits, 0);
      const facts = { id, created: Math.floor(Date.now() / 1000), model: request.model };
      const translation = planTranslation(request, body, target.provider, facts);
      const sent = await send({
        target,
        format: translation.format,
        isStream: request.isStream,
        body: translation.encode,
        headers: headersFor(translation.format, headers, record.trace),
        signal,
      });
      record.firstByte(sent);
      const parts = { target, sent, translation, reservation, record, request };
      return request.isStream ? stream(parts) : await whole(parts);
    } catch (error) {
      reservation?.release();
      record.failed(error);
      throw error;
    }
  }

  /** What was used is charged, whether or not the price is known. */
  function settle({ target, sent, reservation, record, request }: Attempt, answer: JsonObject, error?: unknown): void {
    const usage = usageOf(request.format, answer, request.bytes);
    const cost = priceOf(target.record.name, sent.model, usage);
    reservation.settle(cost ?? 0, usage.total_tokens);
    record.ended({ answer, usage, cost, error });
  }

  async function whole(parts: Attempt): Promise<Answer> {
    const { sent, translation, target } = parts;
    const bytes = translation.decodeWhole(await readWhole(sent.arrived.chunks, MAX_ANSWER_BYTES));
    settle(parts, parseAnswer(bytes));
    return { kind: 'whole', bytes, headers: headersOf(target, sent) };
  }

  function stream(parts: Attempt): Answer {
    const { sent, translation, target } = parts;
    return {
      kind: 'stream',
      frames: watch(parts, translation.decodeStream(sent.arrived.chunks)),
      headers: headersOf(target, sent),
    };
  }

  /** Hands the frames on and reads along. However the stream ends, what has come of it is settled and recorded. */
  async function* watch(parts: Attempt, frames: AsyncIterable<readonly Frame[]>): AsyncGenerator<readonly Frame[]> {
    const gatherer = dialectOf(parts.request.format)?.createGatherer();
    let failure: unknown = new GatewayError('call_cancelled', 'the caller went away');
    try {
      for await (const batch of frames) {
        yield batch;
        for (const frame of batch) gatherer?.push(dataOf(frame) ?? {});
      }
      failure = undefined;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      settle(parts, gatherer?.answer() ?? {}, failure);
    }
  }

  return async (body, round) => {
    let first: unknown;
    for (const [index, target] of round.targets.entries()) {
      try {
        return await attempt(body, round, target, index);
      } catch (error) {
        first ??= error;
        if (round.signal.aborted) break;
      }
    }
    throw first;
  };
}

function headersOf({ record }: Target, { model }: Sent): Record<string, string> {
  return { 'x-bf-provider': record.name, 'x-bf-model': model };
}

function parseAnswer(bytes: Buffer): JsonObject {
  try {
    return JSON.parse(bytes.toString()) as JsonObject;
  } catch (error) {
    throw new GatewayError('provider_bad_reply', 'the provider answered with something that is not JSON', {
      cause: error,
    });
  }
}
