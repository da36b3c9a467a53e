import type { ClientSettings } from '../contract/client-settings.ts';
import type { Caller } from '../governance/caller.ts';
import type { CallSignal } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import { runAgent } from './agent-loop.ts';
import type { Answer } from './answer.ts';
import type { AskModel } from './ask-model.ts';
import type { ChooseTargets } from './choose-targets.ts';
import { dialectOf } from './dialects/dialects.ts';
import type { InjectTools } from './inject-tools.ts';
import type { ModelRequest } from './request.ts';
import type { ResponseChain } from './response-chain.ts';
import type { RunTools } from './run-tools.ts';

/** One request of a caller to a model. */
export interface Inference {
  readonly request: ModelRequest;
  readonly caller: Caller;
  readonly headers: CallerHeaders;
  /** Aborted when the caller gives up. */
  readonly signal: CallSignal;
  /** The provider of models that are named without one; undefined: whoever has the model. */
  readonly provider: string | undefined;
}

/** Answers a request. Throws a GatewayError when there is no answer to begin with; a stream may still fail on its way. */
export type Complete = (inference: Inference) => Promise<Answer>;

interface CompleteDeps {
  readonly chooseTargets: ChooseTargets;
  readonly injectTools: InjectTools;
  readonly askModel: AskModel;
  readonly runTools: RunTools;
  readonly chain: ResponseChain;
  readonly settings: () => Pick<ClientSettings, 'mcp_agent_depth'>;
}

/**
 * One completion from request to answer: who may be asked, which tools the caller has, and, if the model calls some that need
 * nobody's consent, as many rounds as it takes. Every round is asked, paid and recorded like a request of its own.
 */
export function createComplete(deps: CompleteDeps): Complete {
  const { chooseTargets, injectTools, askModel, runTools, chain, settings } = deps;
  return async ({ request: sent, caller, headers, signal, provider }) => {
    const { principal } = caller;
    const request = sent.format === 'responses' ? await chain.resume(sent, principal) : sent;
    const targets = chooseTargets({ request, caller, headers, provider });
    const dialect = dialectOf(request.format);
    const scope = { request, targets, caller, headers, signal };
    if (dialect === undefined) return askModel(request.bytes, { ...scope, parent: undefined });

    const { bytes, audience, isAutomatic, hasAutomatic, withReader } = injectTools(request, dialect, caller, headers);
    if (!hasAutomatic) return askModel(bytes, { ...scope, parent: undefined });

    dialect.demandConversation?.(request.fields);
    let hasKept = false;
    /** Id of the first request in the logs: that of the whole run. */
    let parent: string | undefined;
    const ask = async (body: Buffer): Promise<Answer> => {
      if (signal.aborted) throw new GatewayError('call_cancelled', 'the caller went away');
      const answer = await askModel(body, { ...scope, parent });
      parent ??= answer.id;
      return answer;
    };
    return runAgent(bytes, {
      dialect,
      maxDepth: settings().mcp_agent_depth,
      isAutomatic,
      ask: (body) => ask(hasKept ? withReader(body) : body),
      async runTools(calls) {
        const results = await runTools(calls, { caller, headers, audience, signal, requestId: parent ?? '' });
        hasKept ||= results.some(({ isKept }) => isKept === true);
        return results;
      },
      async onEnd(end) {
        if (request.format === 'responses') await chain.remember(end, principal);
      },
    });
  };
}
