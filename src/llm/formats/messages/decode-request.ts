import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asText, defined, isObject, objectOf, objectsOf, textOf, without } from '../../../lib/json-value.ts';
import { offeredSchema } from '../offered-schema.ts';
import { refused } from '../refused.ts';
import { fitsStrict } from '../strict-schema.ts';
import { decodeSystem, decodeTurns } from './decode-turns.ts';
import { keepCache } from './encode-parts.ts';
import { decodeThinking } from './thinking.ts';
import { refuseThread } from './thread.ts';

/** What is written in another way, or is about how Anthropic runs a request and means nothing elsewhere. The rest is handed on. */
const MESSAGES_FIELDS = new Set(
  (
    'messages system max_tokens tools tool_choice stop_sequences metadata thinking output_config output_format service_tier ' +
    'cache_control context_management inference_geo betas container mcp_servers speed user_profile_id'
  ).split(' '),
);
const LONGEST_USER = 64;

/** A request to Anthropic's Messages API as a chat completion request. */
export function decodeRequest(native: JsonObject): JsonObject {
  if (objectsOf(native.mcp_servers).length > 0)
    throw refused('mcp_servers', 'only Anthropic connects to them itself; register the servers with the gateway');
  if (isObject(native.container) || typeof native.container === 'string')
    throw refused('container', 'only Anthropic has it; leave it out');
  if (isObject(native.thread)) throw refuseThread();
  const config = objectOf(native.output_config);
  const tools = objectsOf(native.tools).map((tool, index) => decodeTool(tool, `tools[${index}]`));
  const choice = objectOf(native.tool_choice);
  return defined({
    ...without(native, MESSAGES_FIELDS),
    messages: [...decodeSystem(native.system), ...decodeTurns(native)],
    max_completion_tokens: native.max_tokens,
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : decodeToolChoice(choice),
    parallel_tool_calls: tools.length > 0 && choice.disable_parallel_tool_use === true ? false : undefined,
    stop: decodeStops(native.stop_sequences),
    reasoning_effort: decodeThinking(objectOf(native.thinking), asText(config.effort)),
    response_format: decodeFormat(isObject(config.format) ? config.format : objectOf(native.output_format)),
    user: decodeUser(native.metadata),
    service_tier: native.service_tier === 'standard_only' ? 'default' : native.service_tier,
    stream_options: native.stream === true ? { include_usage: true } : undefined,
  });
}

function decodeTool(tool: JsonObject, field: string): JsonObject {
  if (tool.type !== undefined && tool.type !== null && tool.type !== 'custom')
    throw refused(`${field}.type`, `only Anthropic's own models have "${textOf(tool.type)}"`);
  const { name, description, input_schema } = tool;
  const parameters = isObject(input_schema) ? offeredSchema(input_schema) : input_schema;
  const strict = tool.strict === true && fitsStrict(parameters) ? true : undefined;
  return keepCache({ type: 'function', function: defined({ name, description, parameters, strict }) }, tool);
}

function decodeToolChoice(choice: JsonObject): JsonValue | undefined {
  if (choice.type === 'any') return 'required';
  if (choice.type === 'tool') return { type: 'function', function: { name: textOf(choice.name) } };
  return choice.type === 'auto' || choice.type === 'none' ? choice.type : undefined;
}

function decodeStops(stops: JsonValue | undefined): JsonValue | undefined {
  return Array.isArray(stops) && stops.length > 0 ? stops : undefined;
}

/** Anthropic always holds a model to the schema; OpenAI can only where it fits its rules, and does its best elsewhere. */
function decodeFormat(format: JsonObject): JsonObject | undefined {
  const { schema } = format;
  if (format.type !== 'json_schema' || !isObject(schema)) return undefined;
  return { type: 'json_schema', json_schema: { name: 'response', schema, strict: fitsStrict(schema) } };
}

/** OpenAI takes 64 characters; a longer id, such as Claude Code's, stays one of a kind as its digest. */
function decodeUser(metadata: JsonValue | undefined): string | undefined {
  const id = asText(objectOf(metadata).user_id);
  return id === undefined || id.length <= LONGEST_USER ? id : createHash('sha256').update(id).digest('hex');
}
