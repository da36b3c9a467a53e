import type { McpAuthRequired } from '../../contract/mcp-session.ts';
import type { JsonObject, Reply } from '../../lib/json-rpc.ts';
import type { ClientRequest } from '../client-side.ts';
import { takeAnswer } from '../relay/questions.ts';
import { authRequiredIn } from './auth-required.ts';

/** Under which a modern client answers whether it opened the link. */
const QUESTION = 'asbru/mcp_auth_required';
const URL_ELICITATION_REQUIRED = -32042;

/**
 * Runs a request, and if its caller must first sign in or enter something, says so in the words of its client: a link to open
 * (URL elicitation) where it can do that, else a tool result that a model or a person reads. Throws for anything else.
 */
export async function askingCaller(
  request: ClientRequest,
  run: (request: ClientRequest) => Reply | Promise<Reply>,
): Promise<Reply> {
  const { answer, rest } = takeAnswer(request, QUESTION);
  try {
    return await run(rest);
  } catch (error) {
    const required = authRequiredIn(error);
    if (required === undefined) throw error;
    const { elicitation } = request.side.capabilities as { elicitation?: JsonObject };
    const canOpen = elicitation?.url !== undefined && required.authorize_url !== undefined;
    // A client that says it opened the link, or will not, is not asked in a circle.
    if (canOpen && answer === undefined) return request.side.era === 'modern' ? question(required) : refusal(required);
    if (request.method === 'tools/call') return told(required);
    throw error;
  }
}

/** 2026-07-28: the client opens the link and sends the request again. */
function question({ message, authorize_url: url }: McpAuthRequired): Reply {
  const params = { mode: 'url', message, url };
  const inputRequests = { [QUESTION]: { method: 'elicitation/create', params } };
  return json('result', { resultType: 'input_required', inputRequests }, true);
}

/** 2025-11-25: URLElicitationRequiredError. */
function refusal({ message, authorize_url: url, session_id: elicitationId }: McpAuthRequired): Reply {
  const elicitations = [{ mode: 'url', elicitationId, url, message }];
  return json('error', { code: URL_ELICITATION_REQUIRED, message, data: { elicitations } });
}

function told({ message: text }: McpAuthRequired): Reply {
  return { ...json('result', { content: [{ type: 'text', text }], isError: true }), isError: true } as Reply;
}

function json(kind: Reply['kind'], value: object, hasResultType = false): Reply {
  const bytes = Buffer.from(JSON.stringify(value));
  return kind === 'error' ? { kind, bytes } : { kind, bytes, isError: false, hasResultType };
}
