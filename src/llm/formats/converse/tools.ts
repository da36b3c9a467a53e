import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asObject, asText, given, objectsOf, textOf, type Maybe } from '../../../lib/json-value.ts';
import { refused } from '../refused.ts';
import { cachePoint } from './blocks.ts';

/** The tools of a chat. Bedrock wants those of earlier calls declared too, also when the caller offers none any more. */
export function encodeToolConfig(chat: JsonObject, called: ReadonlySet<string>): JsonObject | undefined {
  const tools = objectsOf(chat.tools).flatMap(encodeTool);
  if (chat.tool_choice === 'none' || tools.length === 0) {
    // "none" has no word here: tools that nobody called are not offered at all, the others must be.
    const named = tools.filter((tool) => called.has(textOf(asObject(tool.toolSpec)?.name)));
    const known = new Set(named.map((tool) => asText(asObject(tool.toolSpec)?.name)));
    const forgotten = [...called].filter((name) => !known.has(name)).map((name) => toolSpec(name, {}));
    const needed = [...named, ...forgotten];
    return needed.length === 0 ? undefined : { tools: needed };
  }
  return { tools, ...given({ toolChoice: encodeToolChoice(chat.tool_choice) }) };
}

function encodeTool(tool: JsonObject, index: number): JsonObject[] {
  const field = `tools[${index}]`;
  if (tool.type === undefined) return [tool];
  if (tool.type !== 'function') throw refused(`${field}.type`, 'only "function" can be sent to Bedrock');
  const declared = asObject(tool.function);
  const name = asText(declared?.name);
  if (declared === undefined || name === undefined) throw refused(`${field}.function.name`, 'is missing');
  return [toolSpec(name, declared), ...cachePoint(tool)];
}

function toolSpec(name: string, { description, parameters, strict }: JsonObject): JsonObject {
  const json = asObject(parameters) ?? { type: 'object', properties: {} };
  const rest = given({
    description: description === '' ? undefined : description,
    strict: strict === true || undefined,
  });
  return { toolSpec: { name, ...rest, inputSchema: { json } } };
}

function encodeToolChoice(choice: Maybe): JsonObject | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto') return { auto: {} };
  if (choice === 'required') return { any: {} };
  const name = asText(asObject(asObject(choice)?.function)?.name);
  if (name === undefined) throw refused('tool_choice', 'must be auto, none, required, or name a function');
  return { tool: { name } };
}
