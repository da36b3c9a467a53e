import type { Caller } from '../governance/caller.ts';
import type { ModelPrices } from '../governance/model-prices.ts';
import type { Reservation, Spend } from '../governance/spend.ts';
import type { CallSignal } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import { encodeHeader } from '../lib/header-value.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import type { TokenUsage } from '../store/ledger-rows.ts';
import type { Answer, TakeFrames } from './answer.ts';
import type { Gatherer } from './dialects/dialect.ts';
import { dialectOf } from './dialects/dialects.ts';
import { createEmbedParts } from './embed-parts.ts';
import { readWhole } from './exchange.ts';
import type { EmbeddingPlan, Facts } from './formats/format.ts';
import { headersFor } from './forward-headers.ts';
import { contentOf, type LlmAnswer, type LlmRecord, type LlmRecords } from './llm-record.ts';
import { failureIn } from './provider-failure.ts';
import type { ProviderPlaces } from './provider-places.ts';
import type { ModelRequest } from './request.ts';
import type { Send, Sent } from './send.ts';
import type { Target } from './target.ts';
import { planTranslation, type Translation } from './translate.ts';
import { mostUsage, usageOrEstimate } from './usage.ts';

/** On whose behalf a model is asked, and who may be asked. */
export interface Round {
  readonly request: ModelRequest;
  /** In the order in which they are asked, until one answers. */
  readonly targets: readonly Target[];
  readonly caller: Caller;
  readonly headers: CallerHeaders;
  readonly signal: CallSignal;
  /** The first request of the same run in the logs. */
  readonly parent: string | undefined;
}

/** Asks once, with this body in the caller's format. When nobody answers, throws what the first target had to say. */
export type AskModel = (body: Buffer, round: Round) => Promise<Answer>;

interface AskDeps {
  readonly send: Send;
  readonly spend: Pick<Spend, 'reserve'>;
  readonly records: Pick<LlmRecords, 'begin'>;
  readonly prices: ModelPrices;
  readonly places: ProviderPlaces;
}

/** One attempt that was sent: from here on it costs something. */
interface Attempt {
  readonly request: ModelRequest;
  readonly body: Buffer;
  readonly target: Target;
  readonly sent: Sent;
  readonly translation: Translation;
  readonly reservation: Reservation;
  readonly record: LlmRecord;
  /** Makes room for the next one. */
  readonly leave: () => void;
}

/** What is needed to settle an attempt. */
interface Spent extends Omit<Attempt, 'sent' | 'translation' | 'leave'> {
  readonly sent: Pick<Sent, 'model'>;
  readonly leave?: () => void;
}

/** An attempt at embeddings that may take several requests. */
interface Embedding extends Pick<Attempt, 'body' | 'target' | 'reservation' | 'record'> {
  readonly round: Round;
}

export function createAskModel({ send, spend, records, prices, places }: AskDeps): AskModel {
  const embedParts = createEmbedParts({ send, places });

  function begin(body: Buffer, { request, caller, headers, parent }: Round, target: Target, index: number): LlmRecord {
    const { format, model: requested, isStream } = request;
    return records.begin({
      ...{ caller, headers, format, requested, isStream, parent },
      provider: target.record.name,
      model: target.model,
      fallbackIndex: index,
      content: () => contentOf(format, body),
    });
  }

  async function attempt(body: Buffer, round: Round, target: Target, record: LlmRecord): Promise<Answer> {
    const { request, caller, headers, signal } = round;
    let reservation: Reservation | undefined;
    let leave: (() => void) | undefined;
    try {
      await prices.ready();
      const most = mostUsage(request, body);
      reservation = await spend.reserve(target.limits, prices.priceOf(target.record.name, target.model, most) ?? 0);
      const facts = { id: record.id, created: Math.floor(Date.now() / 1000), model: request.model };
      const plan = request.format === 'embeddings' ? planFor(request, target) : undefined;
      if (plan !== undefined) return await embed(plan, facts, { round, body, target, reservation, record });
      leave = await places.enter(target.record, caller.principal, signal);
      const translation = planTranslation(request, body, target.provider, facts);
      const sent = await send({
        target,
        format: translation.format,
        isStream: request.isStream,
        body: translation.encode,
        headers: headersFor(translation.format, headers, record.trace),
        signal,
        onAttempt: record.attempt,
      });
      record.firstByte();
      const parts = { request, body, target, sent, translation, reservation, record, leave };
      return request.isStream ? stream(parts) : await whole(parts);
    } catch (error) {
      leave?.();
      reservation?.release();
      record.failed(error);
      throw error;
    }
  }

  /** What was used is charged, whether or not the price is known, and however it ended. Gives what was. */
  function settle(
    { request, body, target, sent, reservation, record, leave }: Spent,
    answer: JsonObject,
    error?: unknown,
  ): TokenUsage {
    leave?.();
    const { format } = request;
    const gist = dialectOf(format)?.gistOf(answer);
    const output = () => (gist?.output === undefined ? undefined : JSON.stringify(gist.output));
    const usage = usageOrEstimate(format, answer, { request: body, isBroken: error !== undefined });
    const cost = prices.priceOf(target.record.name, sent.model, usage);
    reservation.settle(cost ?? 0, usage.total_tokens);
    const said: LlmAnswer = { usage, cost, stopReason: gist?.stopReason, output };
    if (error === undefined) record.answered(said);
    else record.failed(error, said);
    return usage;
  }

  /** For the caller, its limits and the logs this is one request; for the provider's places it is as many as are sent. */
  async function embed(plan: EmbeddingPlan, facts: Facts, { round, ...attempt }: Embedding): Promise<Answer> {
    const { target, record } = attempt;
    const { request, caller, headers, signal } = round;
    const { results, failure } = await embedParts(plan, {
      ...{ target, principal: caller.principal, signal, onAttempt: record.attempt, onFirstByte: record.firstByte },
      headers: headersFor(request.format, headers, record.trace),
    });
    const sent = { model: results[0]?.model ?? target.model };
    if (failure !== undefined) {
      const usage = plan.usageOf(results);
      if (usage !== undefined) settle({ ...attempt, request, sent }, { usage }, failure.error);
      throw failure.error;
    }
    const decoded = plan.decode(results, facts);
    // Clients of OpenAI read `usage` without looking whether it is there.
    const { prompt_tokens, total_tokens } = settle({ ...attempt, request, sent }, decoded);
    const answer = { ...decoded, usage: decoded.usage ?? { prompt_tokens, total_tokens } };
    const bytes = Buffer.from(JSON.stringify(answer));
    return { kind: 'whole', id: record.id, bytes, answer, headers: headersOf(target, sent) };
  }

  async function whole(parts: Attempt): Promise<Answer> {
    const { sent, translation, target, record } = parts;
    const decoded = translation.decodeWhole(await readWhole(sent.arrived));
    settle(parts, decoded.answer);
    return { kind: 'whole', id: record.id, ...decoded, headers: headersOf(target, sent) };
  }

  function stream(parts: Attempt): Answer {
    const { sent, target, record } = parts;
    const read = (take: TakeFrames): Promise<void> => readStream(parts, take);
    return { kind: 'stream', id: record.id, read, headers: headersOf(target, sent) };
  }

  /** Hands the frames on and reads along. However the stream ends, what has come of it is settled and recorded. */
  async function readStream(parts: Attempt, take: TakeFrames): Promise<void> {
    const { request, translation, sent } = parts;
    const gatherer: Gatherer | undefined = dialectOf(request.format)?.createGatherer();
    let failure: unknown;
    const decoder = translation.decodeStream(take, {
      onData: (data) => {
        gatherer?.push(data);
        if (failureIn(data) !== undefined)
          failure = new GatewayError('provider_error', 'the provider broke its stream off');
      },
      // A format without streams has no end of one either.
      hasEnd: () => failure !== undefined || (gatherer?.hasEnd() ?? true),
    });
    try {
      await sent.arrived.read((chunk) => decoder.push(chunk));
      await decoder.end();
    } catch (error) {
      failure = error;
      decoder.abandon();
      throw error;
    } finally {
      settle(parts, gatherer?.answer() ?? {}, failure);
    }
  }

  return async (body, round) => {
    let first: unknown;
    let { parent } = round;
    for (const [index, target] of round.targets.entries()) {
      const record = begin(body, { ...round, parent }, target, index);
      parent ??= record.id;
      try {
        const answer = await attempt(body, round, target, record);
        return answer.id === parent ? answer : { ...answer, id: parent };
      } catch (error) {
        first ??= error;
        if (round.signal.aborted) break;
      }
    }
    throw first;
  };
}

/** Which target answered. The name of a model is what the caller or the provider makes of it. */
function headersOf({ record }: Target, { model }: Pick<Sent, 'model'>): Record<string, string> {
  return { 'x-bf-provider': record.name, 'x-bf-model': encodeHeader(model) };
}

/** The model may be an alias, for the caller or for a key: one of its names says what it is. */
function planFor({ fields }: ModelRequest, { provider, model, keys }: Target): EmbeddingPlan | undefined {
  return provider.planEmbeddings?.(fields, [...keys.flatMap(({ aliases }) => aliases[model] ?? []), model]);
}
