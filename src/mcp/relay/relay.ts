import { randomUUID } from 'node:crypto';
import type { ClientSettings } from '../../contract/config.ts';
import { GatewayError } from '../../lib/errors.ts';
import {
  resultOf,
  type JsonObject,
  type JsonRpcError,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Reply,
} from '../../lib/json-rpc.ts';
import type { ClientRequest, ClientSide } from '../client-side.ts';
import { startConversation, type Conversation, type InputRequest } from './conversation.ts';
import { createDeadline, type Deadline } from './deadline.ts';
import type { Lease, Party } from '../upstream/dedicated.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import type { Binding, InputHandles } from './input-handles.ts';
import { mirrorParams } from './mirror-params.ts';
import type { Peer } from '../upstream/negotiate.ts';
import { isSevereEnough } from '../log-levels.ts';
import type { ParamHeader } from '../upstream/param-headers.ts';
import { createParkingLot } from './parking-lot.ts';
import { canBeAsked, type Profile } from '../profile.ts';
import { metaMembers, writeRelayed } from './relay-params.ts';
import { META, MODERN_VERSION, type Era } from '../revisions.ts';
import { isExpired, send, type Upstream, type UpstreamCall } from '../upstream/upstream.ts';

/** Where a request goes and what it is called there. */
export interface RelayTarget {
  readonly upstream: Upstream;
  /** The tool, prompt or URI it is about, in the server's own words. */
  readonly name: string | undefined;
  /** JSON texts that take the place of the caller's params. */
  readonly replace: Readonly<Record<string, string>>;
  /** What the caller calls it, for messages. */
  readonly label: string;
  /** The arguments that a modern server gets in headers too. */
  readonly paramHeaders?: readonly ParamHeader[];
}

export type Relay = (target: RelayTarget, request: ClientRequest) => Promise<Reply>;

interface RelayDeps {
  readonly settings: () => Pick<ClientSettings, 'mcp_tool_execution_timeout'>;
  readonly handles: InputHandles;
  /** How long a request waits for its user. */
  readonly answerMs: number;
}

/** A request on its way, with everything the four pairs of eras need. */
interface Passage {
  readonly target: RelayTarget;
  readonly request: ClientRequest;
  readonly deadline: Deadline;
}

/** Rounds of questions that one request may take; a server that asks more is broken. */
const MAX_ROUNDS = 32;

/**
 * Carries one request to a server and its reply back, between clients and servers of either era. The reply is the server's own
 * bytes, except where one era must be told in the other's words that something is asked of the user.
 */
export function createRelay({ settings, handles, answerMs }: RelayDeps): Relay {
  const parked = createParkingLot(answerMs);

  return async (target, request) => {
    const { upstream, label } = target;
    const seconds = upstream.client.tool_execution_timeout || settings().mcp_tool_execution_timeout;
    using deadline = createDeadline(request.signal, seconds, label);
    const passage = { target, request, deadline };
    const { era } = (await upstream.session(deadline.signal)).peer;
    return await way(era, request)(passage);
  };

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
    { target, request, deadline }: Passage,
    replace: Record<string, string | undefined> = {},
  ): Promise<Reply> {
    return target.upstream.call(toCall(target, request, replace), deadline.signal);
  }

  /** Modern client: a first request to a modern server, or the answers to what was asked before. */
  async function resume(passage: Passage): Promise<Reply> {
    const { target, request } = passage;
    const state = stringMember(request, 'requestState');
    // Read before the state is opened: what is malformed must not use it up, and leave a parked request to nobody.
    const answers = objectMember(request, 'inputResponses');
    const carried = state === undefined ? undefined : handles.open(state, bindingOf(request));
    if (carried !== undefined && 'parked' in carried) {
      const conversation = parked.take(carried.parked);
      if (conversation === undefined)
        throw new GatewayError('invalid_request', 'requestState: the request is no longer waiting; send it anew');
      conversation.answer(answers);
      return turn(passage, conversation);
    }
    if (carried !== undefined && carried.client_id !== target.upstream.client.client_id) {
      throw new GatewayError('invalid_request', 'requestState: belongs to another server');
    }
    const inner =
      carried === undefined
        ? {}
        : { requestState: carried.state === undefined ? undefined : JSON.stringify(carried.state) };
    return wrapState(passage, await passOn(passage, inner));
  }

  /** Takes the state of a modern server into our own seal, so that only this caller can bring it back. */
  function wrapState({ target, request }: Passage, reply: Reply): Reply {
    const asked = questionsOf(reply) ?? urlsToVisit(reply, request.side);
    if (asked === undefined) return reply;
    const state = typeof asked.requestState === 'string' ? asked.requestState : undefined;
    const requestState = handles.seal({ client_id: target.upstream.client.client_id, state }, bindingOf(request));
    return {
      kind: 'result',
      isError: false,
      hasResultType: true,
      bytes: Buffer.from(JSON.stringify({ ...asked, requestState })),
    };
  }

  /** Modern client, legacy server: runs on until the server asks or answers; what is asked waits in the parking lot. */
  async function turn({ request, deadline }: Passage, conversation: Conversation): Promise<Reply> {
    let next;
    try {
      next = await conversation.next((notification) => hear(notification, request.side), deadline.signal);
    } catch (error) {
      conversation.cancel();
      throw error;
    }
    if (next.kind === 'reply') return next.reply;
    const requestState = handles.seal({ parked: parked.park(conversation) }, bindingOf(request));
    const result = { resultType: 'input_required', inputRequests: { ...next.questions }, requestState };
    return { kind: 'result', isError: false, hasResultType: true, bytes: Buffer.from(JSON.stringify(result)) };
  }

  /** Legacy client, modern server: asks the client what the server wants to know, and the server again with the answers. */
  async function interview(passage: Passage): Promise<Reply> {
    let replace: Record<string, string | undefined> = {};
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const reply = await passOn(passage, replace);
      const asked = questionsOf(reply);
      if (asked === undefined) return reply;
      const questions = Object.entries((asked.inputRequests ?? {}) as Record<string, InputRequest & JsonObject>);
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
  async function consult({ request: { side }, deadline }: Passage, question: InputRequest): Promise<JsonObject> {
    if (side.ask === undefined)
      throw new GatewayError('invalid_request', 'the server asks the user something, but this client cannot be asked');
    const limit = new AbortController();
    const onTimeout = (): void => limit.abort(new GatewayError('client_refused', 'the user did not answer in time'));
    const timer = setTimeout(onTimeout, answerMs).unref();
    deadline.pause();
    try {
      return await side.ask(question, limit.signal);
    } finally {
      clearTimeout(timer);
      deadline.resume();
    }
  }

  /** Legacy client and server: a session that speaks for this client alone, whose questions go straight to it. */
  async function attend(passage: Passage): Promise<Reply> {
    const { target, request, deadline } = passage;
    const { side } = request;
    const onRequest = ({ method, params }: JsonRpcRequest): Promise<JsonObject> => consult(passage, { method, params });
    const key = side.sessionKey ?? request.caller.principal;
    const party = {
      key,
      isExclusive: side.sessionKey === undefined,
      onRequest,
      onNotification: (notification: JsonRpcNotification) => hear(notification, side),
    };
    return onDedicated(target, request, party, deadline.signal);
  }

  /** Modern client, legacy server: the questions of a session that is this request's alone become turns. */
  function converse({ target, request }: Passage): Conversation {
    const key = JSON.stringify([request.caller.principal, request.side.profile?.key]);
    return startConversation(({ signal, ...voices }) =>
      onDedicated(target, request, { ...voices, key, isExclusive: true }, signal),
    );
  }
}

const NO_PROFILE: Profile = { key: '{}', capabilities: {} };
const CALLERS_OWN = new Set(['notifications/message', 'notifications/elicitation/complete']);

/** Runs a request on a session that speaks for its caller. One that the server forgot is replaced once; nothing ran on it. */
async function onDedicated(
  target: RelayTarget,
  request: ClientRequest,
  party: Omit<Party, 'profile'>,
  signal: AbortSignal,
): Promise<Reply> {
  const { profile = NO_PROFILE } = request.side;
  // Lists and resources are watched on the shared session; this one only speaks of what its caller does.
  const onNotification = (notification: JsonRpcNotification): void => {
    if (CALLERS_OWN.has(notification.method)) party.onNotification(notification);
  };
  const onRequest = async (question: JsonRpcRequest): Promise<JsonObject> => {
    if (canBeAsked(profile, question)) return party.onRequest(question);
    throw new GatewayError('method_not_found', `this client does not support ${question.method} of this kind`);
  };
  const lease = (): Promise<Lease> =>
    target.upstream.dedicated.lease({ ...party, profile, onNotification, onRequest, logLevel: request.side.logLevel });
  const call = { ...toCall(target, request, {}), onNotification: party.onNotification };
  {
    using first = await lease();
    try {
      return await send(first.session, call, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      first.discard();
    }
  }
  using second = await lease();
  return await send(second.session, call, signal);
}

function toCall(
  target: RelayTarget,
  request: ClientRequest,
  replace: Readonly<Record<string, string | undefined>>,
): UpstreamCall {
  const { client } = target.upstream;
  const { method, params, side } = request;
  return {
    method,
    name: target.name,
    message: (id, peer) =>
      writeRelayed(id, method, params, { ...target.replace, ...replace, ...foreign(peer, side) }, envelope(peer, side)),
    headers: client.allowed_extra_headers.length === 0 ? undefined : forwardedHeaders(client, request.headers),
    mirrored: () => mirrorParams(target.paramHeaders ?? [], request),
    onNotification: (notification) => hear(notification, side),
  };
}

/** Params that only one era knows are not sent to a server of the other. */
function foreign({ era }: Peer, side: ClientSide): Record<string, undefined> {
  if (era === side.era) return {};
  return era === 'modern'
    ? { task: undefined }
    : { task: undefined, requestState: undefined, inputResponses: undefined };
}

/** Hands on what a server says of a request, but for log lines that the client did not ask for. */
function hear(notification: JsonRpcNotification, side: ClientSide): void {
  const least = leastLevel(side);
  const isWanted =
    notification.method !== 'notifications/message' ||
    (least !== undefined && isSevereEnough(notification.params?.level, least));
  if (isWanted) side.notify(notification);
}

/** Up to 2025-11-25 a server logs what it likes unless it is told a level; later it must be asked. */
function leastLevel({ era, logLevel }: ClientSide): string | undefined {
  return logLevel ?? (era === 'legacy' ? 'debug' : undefined);
}

/** What a modern server must be told of the client, in the client's own words. */
function envelope({ era }: Peer, side: ClientSide): string {
  if (era === 'legacy') return '';
  const { capabilities, clientInfo } = side;
  const logLevel = leastLevel(side);
  return metaMembers({
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientCapabilities]: capabilities,
    ...(clientInfo !== undefined && { [META.clientInfo]: clientInfo }),
    ...(logLevel !== undefined && { [META.logLevel]: logLevel }),
  });
}

/** The result of a modern server that asks for input, parsed; undefined for any other reply. */
function questionsOf(reply: Reply): JsonObject | undefined {
  if (reply.kind === 'error' || !reply.hasResultType) return undefined;
  // Most replies are complete and stay unparsed.
  if (!reply.bytes.includes('"input_required"')) return undefined;
  const result = resultOf(reply);
  return result.resultType === 'input_required' ? result : undefined;
}

/** A question in the words of 2025-11-25: a URL to visit has an id there. */
function forLegacy(question: InputRequest): InputRequest {
  return question.params?.mode === 'url'
    ? { ...question, params: { ...question.params, elicitationId: randomUUID() } }
    : question;
}

/** A server of 2025-11-25 that sends the user to a URL before the request can run (-32042), in the words of a modern one. */
function urlsToVisit(reply: Reply, { capabilities }: ClientSide): JsonObject | undefined {
  if (reply.kind === 'result' || !reply.bytes.includes('-32042')) return undefined;
  const { code, data } = JSON.parse(reply.bytes.toString()) as JsonRpcError;
  const { elicitations } = (data ?? {}) as { elicitations?: JsonObject[] };
  const canVisit = (capabilities.elicitation as JsonObject | undefined)?.url !== undefined;
  if (code !== -32042 || !canVisit || !Array.isArray(elicitations)) return undefined;
  const questions = elicitations.map(({ elicitationId: _id, ...params }, index) => [
    String(index + 1),
    { method: 'elicitation/create', params: { ...params, mode: 'url' } },
  ]);
  return { resultType: 'input_required', inputRequests: Object.fromEntries(questions) as JsonObject };
}

function bindingOf({ caller, method, params }: ClientRequest): Binding {
  return { principal: caller.principal, method, params };
}

function stringMember({ params }: ClientRequest, name: string): string | undefined {
  const text = params.members.get(name);
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  if (value !== undefined && typeof value !== 'string')
    throw new GatewayError('invalid_request', `params.${name}: must be a string`);
  return value;
}

function objectMember({ params }: ClientRequest, name: string): Record<string, JsonObject> {
  const value: unknown = JSON.parse(params.members.get(name) ?? '{}');
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, JsonObject>;
  throw new GatewayError('invalid_request', `params.${name}: must be an object`);
}
