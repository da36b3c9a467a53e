import { Server as LegacyServer } from '@modelcontextprotocol/sdk/server/index.js';
import { McpError, ResultSchema, type Result } from '@modelcontextprotocol/sdk/types.js';
import {
  inputRequired,
  ProtocolError,
  Server as ModernServer,
  type InputRequest,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import {
  ASK_LISTS,
  ASKING_METHODS,
  isAskable,
  NOBODY_TO_ASK,
  SAY,
  scriptOf,
  SCRIPT_ERROR,
  type AskingMethod,
  type Question,
} from './ask-scripts.ts';

type JsonObject = Record<string, unknown>;

const info = { name: 'asking', version: '1.0.0' };
const capabilities = { tools: {}, prompts: {}, resources: {} };

/** What the sessions of an asking server share: how many of its requests wait to be cancelled. */
export interface AskingState {
  holding: number;
}

/** An SDK server (v1) that asks what its scripts say, in requests of its own, and answers with all that it was told. */
export function createLegacyAskingServer(state: AskingState = { holding: 0 }): LegacyServer {
  const server = new LegacyServer(info, { capabilities });
  server.fallbackRequestHandler = async ({ method, params = {} }, extra): Promise<Result> => {
    const list = listOf(method);
    if (list !== undefined) return list;
    const script = isAsking(method) ? scriptOf(method, params) : undefined;
    if (script === undefined || !isAsking(method)) throw new McpError(-32_602, `nothing to do for ${method}`);
    const able = server.getClientCapabilities() ?? {};
    if (script.insists !== true && !script.rounds.flat().every((question) => isAskable(question, able)))
      return SAY[method](params, NOBODY_TO_ASK);
    const ask = (question: Question): Promise<Result> =>
      extra.sendRequest(toLegacy(question), ResultSchema, { timeout: 600_000 });
    const answers: JsonObject[][] = [];
    for (const round of script.rounds) {
      answers.push(await Promise.all(round.map((question) => ask(question).catch(toAnswer))));
    }
    if (script.holds === true) await hold(state, extra.signal);
    if (script.fails === true) throw new McpError(SCRIPT_ERROR.code, SCRIPT_ERROR.message, SCRIPT_ERROR.data);
    return SAY[method](params, JSON.stringify(answers));
  };
  return server;
}

/** An SDK server (v2) that asks the same by `input_required`. */
export function createModernAskingServer(state: AskingState = { holding: 0 }): ModernServer {
  const server = new ModernServer(info, { capabilities });
  server.setRequestHandler('tools/list', () => ({ tools: ASK_LISTS.tools }));
  server.setRequestHandler('prompts/list', () => ({ prompts: ASK_LISTS.prompts }));
  server.setRequestHandler('resources/list', () => ({ resources: ASK_LISTS.resources }));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const played = await playModern(state, 'tools/call', params, context);
    return typeof played === 'string' ? SAY['tools/call'](params, played) : played;
  });
  server.setRequestHandler('prompts/get', async ({ params }, context) => {
    const played = await playModern(state, 'prompts/get', params, context);
    return typeof played === 'string' ? SAY['prompts/get'](params, played) : played;
  });
  server.setRequestHandler('resources/read', async ({ params }, context) => {
    const played = await playModern(state, 'resources/read', params, context);
    return typeof played === 'string' ? SAY['resources/read'](params, played) : played;
  });
  return server;
}

/** Plays one turn of a script: gives the text of the answer, or the next questions. */
async function playModern(
  state: AskingState,
  method: AskingMethod,
  params: JsonObject,
  { mcpReq }: ServerContext,
): Promise<string | InputRequiredResult> {
  const script = scriptOf(method, params);
  if (script === undefined) throw new ProtocolError(-32_602, `nothing to do for ${method}`);
  const envelope = mcpReq.envelope as JsonObject | undefined;
  const able = (envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {}) as JsonObject;
  if (script.insists !== true && !script.rounds.flat().every((question) => isAskable(question, able)))
    return NOBODY_TO_ASK;
  const answers = JSON.parse(mcpReq.requestState<string>() ?? '[]') as unknown[][];
  const { inputResponses = {} } = mcpReq;
  if (mcpReq.requestState() !== undefined) {
    const asked = script.rounds[answers.length] ?? [];
    answers.push(asked.map((_, index) => inputResponses[`q${index}`]));
  }
  const next = script.rounds[answers.length];
  if (next !== undefined) {
    const inputRequests = Object.fromEntries(next.map((question, index) => [`q${index}`, question as InputRequest]));
    return inputRequired({ inputRequests, requestState: JSON.stringify(answers) });
  }
  if (script.holds === true) await hold(state, mcpReq.signal);
  if (script.fails === true) throw new ProtocolError(SCRIPT_ERROR.code, SCRIPT_ERROR.message, SCRIPT_ERROR.data);
  return JSON.stringify(answers);
}

/** Waits until the request is cancelled. */
async function hold(state: AskingState, signal: AbortSignal): Promise<void> {
  state.holding += 1;
  await new Promise<void>((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
  );
  state.holding -= 1;
}

function isAsking(method: string): method is AskingMethod {
  return (ASKING_METHODS as readonly string[]).includes(method);
}

function listOf(method: string): Result | undefined {
  const lists: Record<string, Result> = {
    'tools/list': { tools: ASK_LISTS.tools },
    'prompts/list': { prompts: ASK_LISTS.prompts },
    'resources/list': { resources: ASK_LISTS.resources },
    'resources/templates/list': { resourceTemplates: [] },
  };
  return lists[method];
}

/** A question by URL has an id in the older revisions. */
function toLegacy({ method, params }: Question): Question {
  return params?.['mode'] === 'url'
    ? { method, params: { ...params, elicitationId: 'sign-in-1' } }
    : { method, ...(params && { params }) };
}

/** An error of the client is an answer too. */
function toAnswer(error: unknown): JsonObject {
  if (!(error instanceof McpError)) throw error;
  return { refused: { code: error.code, message: error.message.replace(/^MCP error -?\d+: /, '') } };
}
