import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import { resultOf, type JsonObject, type JsonRpcError, type Reply } from '../../lib/json-rpc.ts';
import { isObject } from '../../lib/json-value.ts';
import type { ClientRequest, ClientSide } from '../client-side.ts';
import type { InputRequest } from './conversation.ts';

/** The result of a modern server that asks for input, parsed; undefined for any other reply. */
export function questionsOf(reply: Reply): JsonObject | undefined {
  if (reply.kind === 'error' || !reply.hasResultType) return undefined;
  // Most replies are complete and stay unparsed.
  if (!reply.bytes.includes('"input_required"')) return undefined;
  const result = resultOf(reply);
  return result.resultType === 'input_required' ? result : undefined;
}

/** A question in the words of 2025-11-25: a URL to visit has an id there. */
export function forLegacy(question: InputRequest): InputRequest {
  return question.params?.mode === 'url'
    ? { ...question, params: { ...question.params, elicitationId: randomUUID() } }
    : question;
}

/** A server of 2025-11-25 that sends the user to a URL before the request can run (-32042), in the words of a modern one. */
export function urlsToVisit(reply: Reply, { capabilities }: ClientSide): JsonObject | undefined {
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

/** The state that a modern client brings back with its answers. Throws `invalid_request` for anything but a string. */
export function readState({ params }: ClientRequest): string | undefined {
  const text = params.members.get('requestState');
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  if (value !== undefined && typeof value !== 'string')
    throw new GatewayError('invalid_request', 'params.requestState: must be a string');
  return value;
}

/** Takes the answer to a question of our own, by its key, out of a request: the server knows nothing of it. */
export function takeAnswer(
  request: ClientRequest,
  key: string,
): { readonly answer: JsonObject | undefined; readonly rest: ClientRequest } {
  const { params } = request;
  if (params.members.get('inputResponses')?.includes(key) !== true) return { answer: undefined, rest: request };
  const { [key]: answer, ...others } = readAnswers(request);
  if (answer === undefined) return { answer, rest: request };
  const members = new Map(params.members);
  if (Object.keys(others).length === 0) members.delete('inputResponses');
  else members.set('inputResponses', JSON.stringify(others));
  return { answer, rest: { ...request, params: { ...params, members } } };
}

/** The answers of a modern client, by the keys of the questions. */
export function readAnswers({ params }: ClientRequest): Record<string, JsonObject> {
  const value: unknown = JSON.parse(params.members.get('inputResponses') ?? '{}');
  if (isObject(value)) return value as Record<string, JsonObject>;
  throw new GatewayError('invalid_request', 'params.inputResponses: must be an object');
}
