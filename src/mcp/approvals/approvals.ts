import type { ClientSettings } from '../../contract/client-settings.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Reply } from '../../lib/json-rpc.ts';
import { admits } from '../../lib/tool-names.ts';
import type { StoredApproval } from '../../store/approvals.ts';
import type { Changes } from '../../store/changes.ts';
import type { ClientRequest } from '../client-side.ts';
import type { AskingRun, InputHandles } from '../relay/input-handles.ts';
import { readState } from '../relay/questions.ts';
import { createAskUser, type Answer } from './ask-user.ts';
import { createBind, type Bound } from './binding.ts';
import { createDecisions, mayApproveOwn, type DecisionDeps, type Decisions } from './decisions.ts';
import { digestOf, runApproved } from './permit.ts';
import { approvalDenied, approvalRequired } from './refusals.ts';
import { createFindOrBegin } from './waiting-calls.ts';
import { createWaiting } from './waiting.ts';
import { createSettle, type Settle } from './settle.ts';
import { createStayOnLine, waitsUntil } from './stay-on-line.ts';
import type { Entry } from '../view.ts';

interface ApprovalDeps extends DecisionDeps {
  readonly changes: Changes;
  readonly settings: () => Pick<ClientSettings, 'approval_ttl' | 'mcp_external_client_url' | 'log_retention_days'>;
  readonly handles: InputHandles;
  /** Of this purpose alone. */
  readonly key: Buffer;
  /** How long a user may take to answer, in ms. */
  readonly answerMs: number;
  /** Whether the arguments of a request may be kept once it is over. */
  readonly keepsContent: (request: ClientRequest) => boolean;
  readonly onError: (error: unknown) => void;
}

/** What a call of a tool that wants approval comes to, if it is not refused. */
export type Demanded =
  /** The client asks its user, and comes again. */
  | { readonly kind: 'question'; readonly reply: Reply }
  | {
      readonly kind: 'permit';
      /**
       * Uses the approval up and runs the call of this tool, as it is now, with the request as the server is to see it. Throws when
       * another call was faster, or the tool is not the same any more.
       */
      run(tool: Entry, call: (request: ClientRequest) => Promise<Reply>): Promise<Reply>;
    };

/** Tools whose calls a person approves one by one. */
export interface Approvals extends Decisions {
  /**
   * What a call needs before it may run; undefined when the tool wants no approval. Throws `approval_required` (see `approvalIn`)
   * and `approval_denied`. The same request sent again after the approval gets a permit, once.
   */
  demand(request: ClientRequest, tool: Entry): Promise<Demanded> | undefined;
  /** For runs of code, which stop where a call of theirs waits. */
  readonly settle: Settle;
  /** Takes the answer to a question that {@link settle} asked a modern client, if a request brings it, and decides by it. */
  takeAnswer(request: ClientRequest): Promise<AskingRun | undefined>;
  stop(): void;
}

const SWEEP_MS = 10 * 60_000;
const DAY_MS = 86_400_000;

/** Builds the step that a call goes through before it is paid and run. */
export function createApprovals(deps: ApprovalDeps): Approvals {
  const { store, settings, changes, onError } = deps;
  const bind = createBind(deps.key);
  const decisions = createDecisions(deps);
  const findOrBegin = createFindOrBegin(deps);
  const waiting = createWaiting(changes);
  const stayOnLine = createStayOnLine(store, waiting);
  const asking = createAskUser(deps);
  const sweeping = setInterval(() => {
    const now = Date.now();
    store.sweep(now, now - settings().log_retention_days * DAY_MS).catch(onError);
  }, SWEEP_MS).unref();

  function refusal(stored: StoredApproval): GatewayError {
    const base = settings().mcp_external_client_url;
    return stored.status === 'denied' ? approvalDenied(stored, base) : approvalRequired(stored, base);
  }

  /** The user of the calling client decides. Somebody else may have been faster. */
  async function decideAsCaller({ id }: StoredApproval, verdict: Answer, { caller }: ClientRequest): Promise<void> {
    if (verdict === undefined) return;
    const actor = { principal: caller.principal, name: caller.name, request: undefined };
    await decisions.decide(id, verdict, { caller, actor, via: 'elicitation' }).catch((error: unknown) => {
      if (!(error instanceof GatewayError && error.code === 'conflict')) throw error;
    });
  }

  function permit({ id, binding }: StoredApproval, rest: ClientRequest): Demanded {
    return {
      kind: 'permit',
      async run(tool, call) {
        const bound = bind(rest, tool);
        // While the call waited, another server may have come to this name or address.
        if (bound.binding !== binding)
          throw new GatewayError(
            'conflict',
            'the server was changed while the call waited for approval; send it again',
          );
        if (!(await store.use(id, Date.now()))) throw refusal(await findOrBegin(rest, tool, bound));
        void changes.publish('mcp_approvals', id).catch(onError);
        return runApproved(() => call(rest), { id, binding, isBeginning: true }, { store, onError });
      },
    };
  }

  /** The rest of a call that was approved when it began: the server asked something, and this brings the answer. */
  async function resume(request: ClientRequest, { binding }: Bound): Promise<Demanded | undefined> {
    const state = request.side.era === 'modern' ? readState(request) : undefined;
    const id = state === undefined ? undefined : await store.resume(binding, digestOf(state));
    if (id === undefined) return undefined;
    return {
      kind: 'permit',
      run: (_, call) => runApproved(() => call(request), { id, binding, isBeginning: false }, { store, onError }),
    };
  }

  async function demand(request: ClientRequest, tool: Entry): Promise<Demanded> {
    const bound = bind(request, tool);
    const { answered, rest } = asking.takeAnswered(request);
    const resumed = await resume(rest, bound);
    if (resumed !== undefined) return resumed;

    let stored = await findOrBegin(rest, tool, bound);
    if (stored.status === 'pending') {
      const isAnswered = answered?.id === stored.id;
      const asked = isAnswered || !mayApproveOwn(tool.upstream.client) ? undefined : await asking.ask(rest, stored);
      if (asked !== undefined && 'reply' in asked) return { kind: 'question', reply: asked.reply };
      if (isAnswered) await decideAsCaller(stored, answered.answer, rest);
      else if (asked !== undefined) await decideAsCaller(stored, asked.answer, rest);
      else await stayOnLine(stored, waitsUntil(rest.headers), rest.signal);
      stored = await findOrBegin(rest, tool, bound);
    }
    if (stored.status === 'approved') return permit(stored, rest);
    throw refusal(stored);
  }

  async function takeAnswer(request: ClientRequest): Promise<AskingRun | undefined> {
    const { answered } = asking.takeAnswered(request);
    if (answered?.run === undefined) return undefined;
    const { id, run, answer } = answered;
    const stored = await store.find(id, Date.now());
    if (stored?.status === 'pending') await decideAsCaller(stored, answer, request);
    return run;
  }

  return {
    ...decisions,
    settle: createSettle({ ...deps, asking, stayOnLine, decideAsCaller }),
    takeAnswer,
    demand: (request, tool) =>
      admits(tool.upstream.client.tools_to_approve, tool.own) ? demand(request, tool) : undefined,
    stop() {
      clearInterval(sweeping);
      waiting.stop();
    },
  };
}
