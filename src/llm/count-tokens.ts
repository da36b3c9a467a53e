import type { Spend } from '../governance/spend.ts';
import { editObject } from '../lib/json-edit.ts';
import type { ChooseTargets } from './choose-targets.ts';
import type { Inference } from './complete.ts';
import { messagesDialect } from './dialects/messages.ts';
import { readWhole } from './exchange.ts';
import { headersFor } from './forward-headers.ts';
import type { InjectTools } from './inject-tools.ts';
import type { Send } from './send.ts';
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
  return async ({ request, caller, headers, signal, provider }) => {
    const [target] = chooseTargets({ request, caller, headers, provider });
    const { bytes } = injectTools(request, messagesDialect, caller, headers);
    const reservation = await spend.reserve(target.limits, 0);
    try {
      const count =
        target.provider.countsTokens === true
          ? await ask()
          : Buffer.from(
              JSON.stringify({ input_tokens: estimateUsage({ input: bytes.length, output: 0 }).prompt_tokens }),
            );
      reservation.settle(0, 0);
      const origin = target.provider.countsTokens === true ? 'provider' : 'estimate';
      return { bytes: count, headers: { 'x-bf-provider': target.record.name, 'x-asbru-count': origin } };
    } catch (error) {
      reservation.release();
      throw error;
    }

    async function ask(): Promise<Buffer> {
      const { arrived } = await send({
        target,
        format: 'count_tokens',
        isStream: false,
        body: (model) => editObject(bytes, { model: JSON.stringify(model), fallbacks: undefined }),
        headers: headersFor('messages', headers, undefined),
        signal,
        onAttempt: () => undefined,
      });
      return await readWhole(arrived.chunks, MAX_ANSWER_BYTES);
    }
  };
}
