import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asText, defined, given, isObject, objectOf, objectsOf, textOf, without } from '../../../lib/json-value.ts';
import { refused } from '../refused.ts';
import { decodeInput } from './decode-input.ts';

/** What is written in another way, or is about how OpenAI keeps and runs responses and means nothing elsewhere. The rest is handed on. */
const RESPONSES_FIELDS = new Set(
  (
    'input instructions tools tool_choice max_output_tokens max_tool_calls reasoning text include store background conversation ' +
    'previous_response_id prompt truncation metadata stream_options context_management parallel_tool_calls top_logprobs'
  ).split(' '),
);

/** What the answer could not be right without. */
const REFUSED: Readonly<Record<string, string>> = {
  previous_response_id: 'nobody keeps responses of this model; send the whole conversation as input',
  conversation: 'nobody keeps conversations with this model; send all of it as input',
  prompt: 'nobody keeps prompts for this model; send its text as instructions and input',
};

/** A request to OpenAI's Responses API as a chat completion request. */
export function decodeRequest(native: JsonObject): JsonObject {
  for (const [field, rule] of Object.entries(REFUSED))
    if (native[field] !== undefined && native[field] !== null) throw refused(field, rule);
  if (native.background === true) throw refused('background', 'this model answers at once only; leave it out');
  const tools = objectsOf(native.tools).map((tool, index) => decodeTool(tool, `tools[${index}]`));
  const text = objectOf(native.text);
  const instructions = asText(native.instructions);
  return defined({
    ...given(without(native, RESPONSES_FIELDS)),
    messages: [
      ...(instructions === undefined || instructions === '' ? [] : [{ role: 'system', content: instructions }]),
      ...decodeInput(native.input),
    ],
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : decodeToolChoice(native.tool_choice),
    parallel_tool_calls: tools.length > 0 && native.parallel_tool_calls === false ? false : undefined,
    max_completion_tokens: native.max_output_tokens ?? undefined,
    reasoning_effort: asText(objectOf(native.reasoning).effort),
    response_format: decodeFormat(objectOf(text.format)),
    verbosity: text.verbosity ?? undefined,
    ...(wantsLogprobs(native) ? { logprobs: true, top_logprobs: native.top_logprobs ?? undefined } : {}),
    stream_options: native.stream === true ? { include_usage: true } : undefined,
  });
}

function decodeTool(tool: JsonObject, field: string): JsonObject {
  if (tool.type !== 'function')
    throw refused(`${field}.type`, `this model has no "${textOf(tool.type)}"; only functions can be called`);
  const { name, description, parameters, strict } = tool;
  const declared = { name, description: description ?? undefined, parameters: parameters ?? undefined };
  return {
    type: 'function',
    function: defined({ ...declared, strict: typeof strict === 'boolean' ? strict : undefined }),
  };
}

function decodeToolChoice(choice: JsonValue | undefined): JsonValue | undefined {
  if (!isObject(choice)) return choice ?? undefined;
  if (choice.type === 'function') return named(choice);
  if (choice.type === 'allowed_tools') {
    const mode = choice.mode === 'required' ? 'required' : 'auto';
    return { type: 'allowed_tools', allowed_tools: { mode, tools: objectsOf(choice.tools).map(named) } };
  }
  throw refused('tool_choice.type', `this model has no "${textOf(choice.type)}"; only functions can be called`);
}

function named(tool: JsonObject): JsonObject {
  return { type: 'function', function: { name: textOf(tool.name) } };
}

function decodeFormat(format: JsonObject): JsonObject | undefined {
  if (format.type === 'json_object') return { type: 'json_object' };
  if (format.type !== 'json_schema') return undefined;
  const { name, description, schema, strict } = format;
  return { type: 'json_schema', json_schema: defined({ name, description, schema, strict: strict ?? undefined }) };
}

function wantsLogprobs(native: JsonObject): boolean {
  if (typeof native.top_logprobs === 'number' && native.top_logprobs > 0) return true;
  return Array.isArray(native.include) && native.include.includes('message.output_text.logprobs');
}
