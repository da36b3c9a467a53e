import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asText, defined, isObject, objectOf, objectsOf } from '../../../lib/json-value.ts';
import { refused } from '../refused.ts';
import { keepCache } from './encode-parts.ts';
import { inputSchema } from './input-schema.ts';

/** The tools of a chat completion request as Anthropic's. One that is Anthropic's own already, such as its web search, stays. */
export function encodeTools(chat: JsonObject): JsonObject[] {
  const allowed = allowedNames(chat.tool_choice);
  return objectsOf(chat.tools)
    .map((tool, index) => encodeTool(tool, `tools[${index}]`))
    .filter(({ name }) => allowed === undefined || allowed.has(name));
}

function encodeTool(tool: JsonObject, field: string): JsonObject {
  const { function: declared } = tool;
  if (!isObject(declared)) {
    if (isObject(tool.custom) || tool.type === 'function')
      throw refused(`${field}.type`, 'Anthropic takes tools of the type "function" only');
    return tool;
  }
  const written = defined({
    name: declared.name,
    description: declared.description ?? undefined,
    input_schema: inputSchema(objectOf(declared.parameters)),
    // Off is the default there, and null means nothing here.
    strict: declared.strict === true ? true : undefined,
  });
  return keepCache(written, tool, declared);
}

/** Which tool the model may or must call, and whether several at once. */
export function encodeToolChoice(chat: JsonObject): JsonObject | undefined {
  const choice = choiceOf(chat.tool_choice);
  if (chat.parallel_tool_calls !== false || choice?.type === 'none') return choice;
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

function choiceOf(choice: JsonValue | undefined): JsonObject | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto' || choice === 'none') return { type: choice };
  if (choice === 'required') return { type: 'any' };
  const { type, function: named, allowed_tools: allowed } = objectOf(choice);
  const name = asText(objectOf(named).name);
  if (type === 'function' && name !== undefined) return { type: 'tool', name };
  if (type === 'allowed_tools') return { type: objectOf(allowed).mode === 'required' ? 'any' : 'auto' };
  throw refused('tool_choice', 'must be "auto", "none", "required", or name a function');
}

/** Anthropic cannot narrow a list of tools, so those that are not allowed are not sent. */
function allowedNames(choice: JsonValue | undefined): Set<JsonValue | undefined> | undefined {
  const { type, allowed_tools: allowed } = objectOf(choice);
  if (type !== 'allowed_tools') return undefined;
  return new Set(objectsOf(objectOf(allowed).tools).map((tool) => objectOf(tool.function).name));
}
