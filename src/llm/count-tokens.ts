import type { Spend } from '../governance/spend.ts';
import type { ChooseTargets } from './choose-targets.ts';
import type { Inference } from './complete.ts';
import { messagesDialect } from './dialects/messages.ts';
import { readWhole } from './exchange.ts';
import { headersFor } from './forward-headers.ts';
import type { InjectTools } from './inject-tools.ts';
import { sizeOf } from './request-size.ts';
import type { Send } from './send.ts';
import type { Target } from './target.ts';
import { asAsked } from './translate.ts';
import { estimateUsage } from './usage.ts';

/** How many tokens a request would take, as JSON text. */
export interface TokenCount {
  readonly bytes: Buffer;
  /** Which provider has the model, and whether it counted. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Counts the tokens of a request in messages, with the MCP tools of its caller, without asking the model (Anthropic, count_tokens). */
export type CountTokens = (inference: Inference) => Promise<TokenCount>;

interface CountDeps {
  readonly chooseTargets: ChooseTargets;
  readonly injectTools: InjectTools;
  readonly send: Send;
  readonly spend: Pick<Spend, 'reserve'>;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** The provider counts, where it does so; else it is an estimate. Limits on requests hold for either; it costs nothing. */
export function createCountTokens({ chooseTargets, injectTools, send, spend }: CountDeps): CountTokens {
  /** The provider's own answer. */
  async function ask(target: Target, body: Buffer, { headers, signal }: Inference): Promise<Buffer> {
    const { arrived } = await send({
      target,
      format: 'count_tokens',
      isStream: false,
      body: (model) => asAsked(body, model),
      headers: headersFor('messages', headers, undefined),
      signal,
      onAttempt: () => undefined,
    });
    return await readWhole(arrived, MAX_ANSWER_BYTES);
  }

  return async (inference) => {
    const { request, caller, headers } = inference;
    const [target] = chooseTargets(inference);
    const body = injectTools(request, messagesDialect, caller, headers).bytes;
    const isCounted = target.provider.countsTokens === true;
    const reservation = await spend.reserve(target.limits, 0);
    try {
      const bytes = isCounted ? await ask(target, body, inference) : estimate(body);
      reservation.settle(0, 0);
      const counter = isCounted ? 'provider' : 'estimate';
      return { bytes, headers: { 'x-bf-provider': target.record.name, 'x-asbru-count': counter } };
    } catch (error) {
      reservation.release();
      throw error;
    }
  };
}

function estimate(body: Buffer): Buffer {
  const { prompt_tokens } = estimateUsage({ input: sizeOf(body), output: 0 });
  return Buffer.from(JSON.stringify({ input_tokens: prompt_tokens }));
}
