import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSettings } from '../../contract/client-settings.ts';
import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, JsonRpcRequest, Reply } from '../../lib/json-rpc.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { isPerUser } from '../client-config.ts';
import type { Between, ClientRequest } from '../client-side.ts';
import type { Credentials, OwnAuth } from '../credentials.ts';
import type { Era } from '../revisions.ts';
import type { Peer } from '../upstream/negotiate.ts';
import { isExpired } from '../upstream/send.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { startConversation, type Conversation, type InputRequest } from './conversation.ts';
import { createDeadline, type Deadline } from './deadline.ts';
import type { Binding, InputHandles } from './input-handles.ts';
import { onDedicated } from './on-dedicated.ts';
import { hear, toCall, type RelayTarget } from './outgoing.ts';
import { createParkingLot } from './parking-lot.ts';
import { forLegacy, questionsOf, readAnswers, readState, urlsToVisit } from './questions.ts';

export type Relay = (target: RelayTarget, request: ClientRequest) => Promise<Reply>;

interface RelayDeps {
  readonly settings: () => Pick<ClientSettings, 'mcp_tool_execution_timeout'>;
  readonly handles: InputHandles;
  /** How long a request waits for its user. */
  readonly answerMs: number;
  readonly credentials: Pick<Credentials, 'own'>;
}

/** A request on its way, with everything the four pairs of eras need. */
interface Passage {
  readonly target: RelayTarget;
  readonly request: ClientRequest;
  readonly deadline: Deadline;
  /** The caller's own credential, for a server to which each caller has one. */
  readonly own: OwnAuth | undefined;
  /** The user was asked something on behalf of the server: the request is not to begin anew. */
  hasAsked: boolean;
}

/** Before a server that has nothing to ask, but no answer yet, is asked again. */
const LATER_MS = 250;
/** Rounds of questions that one request may take; a server that asks more is broken. */
const MAX_ROUNDS = 32;

/**
 * Carries one request to a server and its reply back, between clients and servers of either era. The reply is the server's own
 * bytes, except where one era must be told in the other's words that something is asked of the user.
 */
export function createRelay({ settings, handles, answerMs, credentials }: RelayDeps): Relay {
  const parked = createParkingLot(answerMs);

  return async (target, request) => {
    const { upstream, label } = target;
    const seconds = upstream.client.tool_execution_timeout || settings().mcp_tool_execution_timeout;
    // Not `using`: on the hot path a plain finally is measurably cheaper.
    const deadline = createDeadline(request.signal, seconds, label);
    try {
      const own = isPerUser(upstream.client)
        ? await unlessAborted(credentials.own(upstream, request), deadline.signal)
        : undefined;
      if (own === undefined) return await carry({ target, request, deadline, own, hasAsked: false });
      return await carryOwn({ target, request, deadline, own, hasAsked: false });
    } finally {
      deadline[Symbol.dispose]();
    }
  };

  /** With a credential of the caller's own; once more with the one that took its place meanwhile, as nothing ran with the first. */
  async function carryOwn(passage: Passage & { readonly own: OwnAuth }): Promise<Reply> {
    const { target, request, deadline, own } = passage;
    try {
      return await carry(passage);
    } catch (error) {
      const explained = await own.explain(error);
      if (!isExpired(explained) || passage.hasAsked || request.params.members.has('requestState')) throw explained;
      const now = await unlessAborted(credentials.own(target.upstream, request), deadline.signal);
      if (now === undefined || now.key === own.key) throw explained;
      return carry({ ...passage, own: now }).catch(async (again: unknown) => {
        throw await now.explain(again);
      });
    }
  }

  function carry(passage: Passage): Promise<Reply> {
    const { target, request, deadline, own } = passage;
    const known = own === undefined ? target.upstream.peer : undefined;
    if (known !== undefined) return way(known.era, request)(passage);
    return peerOf(target.upstream, own, deadline.signal).then(({ era }) => way(era, request)(passage));
  }

  /** The way for this pair of eras. */
  function way(server: Era, { side, params }: ClientRequest): (passage: Passage) => Promise<Reply> {
    const canAnswer = side.profile !== undefined;
    if (side.era === 'modern') {
      const isFresh = !params.members.has('requestState');
      return server === 'legacy' && canAnswer && isFresh ? (passage) => turn(passage, converse(passage)) : resume;
    }
    if (server === 'modern') return interview;
    return canAnswer && side.ask !== undefined ? attend : (passage) => passOn(passage);
  }

  /** Nothing between the eras to do: one request, one reply. */
  function passOn(
    { target, request, deadline, own }: Passage,
    replace?: Record<string, string | undefined>,
  ): Promise<Reply> {
    return target.upstream.call(toCall(target, request, replace), deadline.signal, own);
  }

  /** Modern client: a first request to a modern server, or the answers to what was asked before. */
  async function resume(passage: Passage): Promise<Reply> {
    const { target, request } = passage;
    const state = readState(request);
    // Read before the state is opened: what is malformed must not use it up, and leave a parked request to nobody.
    const answers = readAnswers(request);
    const carried = state === undefined ? undefined : handles.open(state, bindingOf(passage));
    if (carried !== undefined && 'parked' in carried) {
      const conversation = parked.take(carried.parked);
      if (conversation === undefined)
        throw new GatewayError('invalid_request', 'requestState: the request is no longer waiting; send it anew');
      conversation.answer(answers);
      return turn(passage, conversation);
    }
    if (carried !== undefined && 'approval' in carried)
      throw new GatewayError('invalid_request', 'requestState: belongs to a question that was not answered');
    if (carried !== undefined && carried.client_id !== target.upstream.client.client_id) {
      throw new GatewayError('invalid_request', 'requestState: belongs to another server');
    }
    const inner =
      carried === undefined
        ? undefined
        : { requestState: carried.state === undefined ? undefined : JSON.stringify(carried.state) };
    return wrapState(passage, await passOn(passage, inner));
  }

  /** Takes the state of a modern server into our own seal, so that only this caller can bring it back. */
  function wrapState(passage: Passage, reply: Reply): Reply {
    const { target, request } = passage;
    const asked = questionsOf(reply) ?? urlsToVisit(reply, request.side);
    if (asked === undefined) return reply;
    const state = typeof asked.requestState === 'string' ? asked.requestState : undefined;
    const requestState = handles.seal({ client_id: target.upstream.client.client_id, state }, bindingOf(passage));
    return {
      kind: 'result',
      isError: false,
      hasResultType: true,
      bytes: Buffer.from(JSON.stringify({ ...asked, requestState })),
    };
  }

  /** Modern client, legacy server: runs on until the server asks or answers; what is asked waits in the parking lot. */
  async function turn(passage: Passage, conversation: Conversation): Promise<Reply> {
    const { request, deadline } = passage;
    let next;
    try {
      next = await conversation.next((notification) => hear(notification, request.side), deadline.signal);
    } catch (error) {
      conversation.cancel();
      throw error;
    }
    if (next.kind === 'reply') return next.reply;
    const requestState = handles.seal({ parked: parked.park(conversation) }, bindingOf(passage));
    const result = { resultType: 'input_required', inputRequests: { ...next.questions }, requestState };
    return { kind: 'result', isError: false, hasResultType: true, bytes: Buffer.from(JSON.stringify(result)) };
  }

  /** Legacy client, modern server: asks the client what the server wants to know, and the server again with the answers. */
  async function interview(passage: Passage): Promise<Reply> {
    let replace: Record<string, string | undefined> | undefined;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const reply = await passOn(passage, replace);
      const asked = questionsOf(reply);
      if (asked === undefined) return reply;
      const questions = Object.entries((asked.inputRequests ?? {}) as Record<string, InputRequest & JsonObject>);
      // A state without questions means "come back later".
      if (questions.length === 0)
        await unlessAborted(sleep(LATER_MS, undefined, { ref: false }), passage.deadline.signal);
      const answers = await Promise.all(
        questions.map(async ([key, question]) => [key, await consult(passage, forLegacy(question))] as const),
      );
      replace = {
        inputResponses: JSON.stringify(Object.fromEntries(answers)),
        requestState: asked.requestState === undefined ? undefined : JSON.stringify(asked.requestState),
      };
    }
    throw new GatewayError('upstream_bad_reply', `the server asked more than ${MAX_ROUNDS} times`);
  }

  /** Asks a legacy client, whose time to think does not count, but ends. */
  async function consult(passage: Passage, question: InputRequest): Promise<JsonObject> {
    const { request, deadline } = passage;
    const { side } = request;
    passage.hasAsked = true;
    if (side.ask === undefined)
      throw new GatewayError('invalid_request', 'the server asks the user something, but this client cannot be asked');
    deadline.pause();
    try {
      return await untilAnswered(side.ask, question);
    } finally {
      deadline.resume();
    }
  }

  async function untilAnswered(ask: Between['ask'], question: InputRequest): Promise<JsonObject> {
    const limit = new AbortController();
    const onTimeout = (): void => limit.abort(new GatewayError('client_refused', 'the user did not answer in time'));
    const timer = setTimeout(onTimeout, answerMs).unref();
    try {
      return await ask(question, limit.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Legacy client and server: a session that speaks for this client alone, whose questions go straight to it. */
  async function attend(passage: Passage): Promise<Reply> {
    const { target, request, deadline, own } = passage;
    const { side } = request;
    const onRequest = ({ method, params }: JsonRpcRequest): Promise<JsonObject> => consult(passage, { method, params });
    const key = side.sessionKey ?? request.caller.principal;
    const voice = side.between;
    const party = {
      key,
      own,
      isExclusive: side.sessionKey === undefined,
      onRequest,
      onNotification: (notification: JsonRpcNotification) => hear(notification, side),
      between: voice && {
        onRequest: ({ method, params }: JsonRpcRequest) => untilAnswered(voice.ask, { method, params }),
        onNotification: (notification: JsonRpcNotification) => hear(notification, { ...side, notify: voice.notify }),
      },
    };
    return onDedicated(target, request, party, deadline.signal);
  }

  /** Modern client, legacy server: the questions of a session that is this request's alone become turns. */
  function converse({ target, request, own }: Passage): Conversation {
    const key = JSON.stringify([request.caller.principal, request.side.profile?.key]);
    return startConversation(({ signal, ...voices }) =>
      onDedicated(target, request, { ...voices, key, own, isExclusive: true, between: undefined }, signal),
    );
  }
}

/** The server as it introduced itself, on the connection that the request will take. */
async function peerOf(upstream: Upstream, own: OwnAuth | undefined, signal: CallSignal): Promise<Peer> {
  if (own !== undefined) return (await unlessAborted(upstream.ownSession(own), signal)).peer;
  return (await upstream.shared.get(signal)).peer;
}

/** Callers without a name of their own share a principal, but no credential, and nothing that was begun with it. */
function bindingOf({ request: { caller, method, params }, own }: Passage): Binding {
  const principal = own === undefined ? caller.principal : JSON.stringify([caller.principal, own.credential]);
  return { principal, method, params };
}
