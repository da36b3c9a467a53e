import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, Reply } from '../../lib/json-rpc.ts';
import type { StoredApproval } from '../../store/approvals.ts';
import type { ClientRequest } from '../client-side.ts';
import { canBeAsked } from '../profile.ts';
import type { InputRequest } from '../relay/conversation.ts';
import type { AskingRun, Binding, InputHandles } from '../relay/input-handles.ts';
import { readState, takeAnswer } from '../relay/questions.ts';

/** What a user says to a call of their own client. */
export type Answer = 'approved' | 'denied' | undefined;

/** Under which a modern client brings the answer. */
const QUESTION = 'asbru/approval';
/** More than this nobody reads in a dialog, and to what is not shown nobody can say yes. */
const MAX_SHOWN = 8_000;
/** What is not seen, or turns text around, could make arguments look like others. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** What a modern client brings back. */
interface Answered {
  /** The approval that was asked for. */
  readonly id: string;
  /** The run of code that waits for it; undefined: the request itself does. */
  readonly run: AskingRun | undefined;
  readonly answer: Answer;
}

/** How the user of a calling client is asked, in either era. */
export interface AskUser {
  /** Asks; undefined where the client cannot. The client of a reply comes again with the answer, to that run if there is one. */
  ask(
    request: ClientRequest,
    waiting: StoredApproval,
    run?: AskingRun,
  ): Promise<{ reply: Reply } | { answer: Answer }> | undefined;
  /** The answer, if this is what a request brings, and the request without it, as the server is to see it. */
  takeAnswered(request: ClientRequest): { readonly answered: Answered | undefined; readonly rest: ClientRequest };
}

interface AskUserDeps {
  readonly handles: InputHandles;
  /** How long a user may take to answer, in ms. */
  readonly answerMs: number;
}

export function createAskUser({ handles, answerMs }: AskUserDeps): AskUser {
  async function askLegacy(question: InputRequest, { side, signal }: ClientRequest, until: number): Promise<Answer> {
    const limit = AbortSignal.timeout(Math.max(0, Math.min(answerMs, until - Date.now())));
    try {
      return side.ask && readAnswer(await side.ask(question, limit));
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined; // a client that cannot ask after all, or a user who does not answer: others may still decide
    }
  }

  return {
    ask(request, waiting, run) {
      const question = questionFor(request, waiting);
      if (question === undefined) return undefined;
      if (request.side.era === 'modern') {
        const state = handles.seal({ approval: waiting.id, ...(run !== undefined && { run }) }, bindingOf(request));
        return Promise.resolve({ reply: asReply(question, state) });
      }
      if (request.side.ask === undefined) return undefined;
      return askLegacy(question, request, waiting.expires_at).then((answer) => ({ answer }));
    },

    takeAnswered(request) {
      if (request.side.era !== 'modern') return { answered: undefined, rest: request };
      const { answer, rest } = takeAnswer(request, QUESTION);
      if (answer === undefined) return { answered: undefined, rest };
      const state = readState(request);
      const carried = state === undefined ? undefined : handles.open(state, bindingOf(request));
      if (carried === undefined || !('approval' in carried))
        throw new GatewayError(
          'invalid_request',
          `inputResponses.${QUESTION}: nothing was asked under this requestState`,
        );
      const members = new Map(rest.params.members);
      members.delete('requestState');
      const stripped = { ...rest, params: { ...rest.params, members } };
      return { answered: { id: carried.approval, run: carried.run, answer: readAnswer(answer) }, rest: stripped };
    },
  };
}

function bindingOf({ caller, method, params }: ClientRequest): Binding {
  return { principal: caller.principal, method, params };
}

/** The form that asks a user; undefined where the client cannot show one, or the arguments are too long for it. */
function questionFor(
  { side: { profile } }: ClientRequest,
  { tool, client_name, arguments: text = '' }: StoredApproval,
): InputRequest | undefined {
  const shown = show(text);
  if (shown.length > MAX_SHOWN) return undefined;
  const message = `Allow the tool "${show(tool)}" of the server "${show(client_name)}" to run once, with these arguments?\n\n${shown}`;
  const requestedSchema = { type: 'object', properties: {} };
  const question = { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } };
  return profile !== undefined && canBeAsked(profile, question) ? question : undefined;
}

/** 2026-07-28: the client asks its user, and sends the request again with the answer. */
function asReply({ method, params }: InputRequest, requestState: string): Reply {
  const inputRequests = { [QUESTION]: { method, params } };
  const bytes = Buffer.from(JSON.stringify({ resultType: 'input_required', inputRequests, requestState }));
  return { kind: 'result', bytes, isError: false, hasResultType: true };
}

/** Reads what the user did with the form. Whoever closed it has said neither yes nor no. */
function readAnswer({ action }: JsonObject): Answer {
  if (action === 'accept') return 'approved';
  return action === 'decline' ? 'denied' : undefined;
}

function show(text: string): string {
  return text.replaceAll(UNSEEN, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}
