import { z } from 'zod';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { JsonObject, Reply } from '../../lib/json-rpc.ts';
import { isObject } from '../../lib/json-value.ts';
import type { Logger } from '../../lib/logger.ts';
import { audienceOf, NO_SIDE } from '../../mcp/client-side.ts';
import { toRelayParams } from '../../mcp/relay/relay-params.ts';
import type { CallTool } from '../../mcp/call-tool.ts';
import { checkBody } from '../check-input.ts';
import type { HotRequest, HotResponse } from '../hot.ts';
import type { Identify } from '../identify.ts';
import { parseJson, readNodeBody } from '../read-body.ts';
import { renderError } from '../render-error.ts';
import { closeUnlessRead, sendError } from '../send-error.ts';
import { flattenResult } from '../../mcp/flatten-result.ts';

interface Deps {
  readonly callTool: CallTool;
  readonly identify: Pick<Identify, 'identifyInference'>;
  readonly logger: Logger;
}

interface Call {
  readonly id: string | undefined;
  readonly name: string;
  readonly argumentsJson: string;
}

/** One of the two wires of this route: an OpenAI chat tool call, or an OpenAI responses function call. */
interface Format {
  read(body: unknown): Call;
  write(call: Call, text: string): JsonObject;
}

const Arguments = z.string().nullish();
const ChatCall = z.looseObject({
  id: z.string().nullish(),
  function: z.looseObject({ name: z.string().nullish(), arguments: Arguments }).nullish(),
});
const ResponsesCall = z.looseObject({
  call_id: z.string().nullish(),
  name: z.string().nullish(),
  arguments: Arguments,
});

const chat: Format = {
  read(body) {
    const call = checkBody(ChatCall, body);
    return readCall(call.id, call.function?.name, call.function?.arguments);
  },
  write: ({ id, name }, text) => ({ role: 'tool', tool_call_id: id, content: text, name }),
};

const responses: Format = {
  read(body) {
    const call = checkBody(ResponsesCall, body);
    return readCall(call.call_id, call.name, call.arguments);
  },
  write: ({ id }, text) => ({ type: 'function_call_output', call_id: id, output: text }),
};

/** `POST /v1/mcp/tool/execute`: runs one tool call that a model asked for and a person or program approved. */
export function createToolExecuteHandler({ callTool, identify, logger }: Deps) {
  return async (request: HotRequest, response: HotResponse): Promise<void> => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      if (request.method !== 'POST') {
        throw new GatewayError('method_not_allowed', 'this route takes POST', { details: { allow: 'POST' } });
      }
      const caller = identify.identifyInference(request.headers);
      const format = formatOf(request.url ?? '');
      const call = format.read(parseJson(await readNodeBody(request), 'Invalid request format'));
      const params = toRelayParams(call.argumentsJson);
      const { headers } = request;
      const reply = await callTool(call.name, {
        caller,
        method: 'tools/call',
        params,
        headers,
        signal: gone.signal,
        side: NO_SIDE,
        audience: audienceOf(caller, headers, undefined),
        source: 'rest',
      });
      const answer = Buffer.from(JSON.stringify(format.write(call, textOf(reply, call.name))));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
    } catch (error) {
      sendError(response, () => renderError(withPrefix(error), logger), closeUnlessRead(request));
    }
  };
}

function formatOf(url: string): Format {
  const name = new URL(url, 'http://localhost').searchParams.get('format') ?? '';
  if (name === '' || name.toLowerCase() === 'chat') return chat;
  if (name.toLowerCase() === 'responses') return responses;
  throw new GatewayError('invalid_request', "Invalid format value, must be 'chat' or 'responses'");
}

function readCall(
  id: string | null | undefined,
  name: string | null | undefined,
  text: string | null | undefined,
): Call {
  if (typeof name !== 'string' || name === '')
    throw new GatewayError('invalid_request', 'Tool function name is required');
  return { id: id ?? undefined, name, argumentsJson: checkArguments(text ?? '') };
}

/** The arguments as they were sent, on one line: they are looked at, not rebuilt. */
function checkArguments(text: string): string {
  if (text.trim() === '') return '{}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GatewayError('invalid_request', `Invalid tool arguments: ${messageOf(error)}`, { cause: error });
  }
  if (isObject(value)) {
    // Inside checked JSON a line break is only white space, but to a stdio server it would end the message.
    return text.replaceAll(/[\r\n]+/g, ' ');
  }
  throw new GatewayError('invalid_request', 'Invalid tool arguments: they must be a JSON object');
}

/** A result with `isError` is an answer like any other here: the model is meant to read it. */
function textOf(reply: Reply, toolName: string): string {
  const value = JSON.parse(reply.bytes.toString('utf8')) as JsonObject; // a border: the upstream's own JSON object
  if (reply.kind === 'result') return flattenResult(value, toolName);
  throw new GatewayError('upstream_bad_reply', typeof value.message === 'string' ? value.message : 'unknown error', {
    details: { upstream_error: value },
  });
}

function withPrefix(error: unknown): unknown {
  if (!(error instanceof GatewayError) || !error.code.startsWith('upstream_') || error.code === 'upstream_timeout')
    return error;
  return new GatewayError(error.code, `MCP tool call failed: ${error.message}`, {
    cause: error,
    details: { ...error.details },
  });
}
