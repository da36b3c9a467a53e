import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asObject, asText, given, objectOf, objectsOf, textOf, type Maybe } from '../../../lib/json-value.ts';
import { refused } from '../refused.ts';

/** The tools of a chat as Gemini takes them: all functions in one entry, its own tools as they are. */
export function encodeTools(chat: JsonObject): JsonObject[] | undefined {
  const functions: JsonObject[] = [];
  const native: JsonObject[] = [];
  for (const [index, tool] of objectsOf(chat.tools).entries()) {
    const field = `tools[${index}]`;
    if (tool.type === undefined) native.push(tool);
    else if (tool.type === 'function') functions.push(encodeFunction(tool, field));
    else throw refused(`${field}.type`, `"${textOf(tool.type)}" cannot be sent to Gemini, only "function"`);
  }
  if (asObject(chat.web_search_options) !== undefined) native.push({ googleSearch: {} });
  const tools = [...(functions.length === 0 ? [] : [{ functionDeclarations: functions }]), ...native];
  return tools.length === 0 ? undefined : tools;
}

function encodeFunction(tool: JsonObject, field: string): JsonObject {
  const declared = asObject(tool.function);
  const name = asText(declared?.name);
  if (declared === undefined || name === undefined) throw refused(`${field}.function.name`, 'is missing');
  const { description, parameters } = declared;
  return { name, ...given({ description, parametersJsonSchema: parameters }) };
}

/** Which tools the model may, must or must not use. */
export function encodeToolChoice(choice: Maybe): JsonObject | undefined {
  if (choice === undefined || choice === null) return undefined;
  const object = asObject(choice);
  if (object === undefined) return { functionCallingConfig: { mode: modeOf(choice) } };
  if (object.type === 'allowed_tools') {
    const allowed = objectOf(object.allowed_tools);
    const names = objectsOf(allowed.tools).flatMap((tool) => asText(asObject(tool.function)?.name) ?? []);
    // AUTO takes no list of names; VALIDATED means the same with one.
    const mode = allowed.mode === 'required' ? 'ANY' : 'VALIDATED';
    return { functionCallingConfig: { mode, allowedFunctionNames: names } };
  }
  const name = asText(asObject(object.function)?.name);
  if (name === undefined) throw refused('tool_choice', 'must be auto, none, required, or name a function');
  return { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [name] } };
}

function modeOf(choice: Maybe): string {
  if (choice === 'auto') return 'AUTO';
  if (choice === 'none') return 'NONE';
  if (choice === 'required') return 'ANY';
  throw refused('tool_choice', 'must be auto, none, required, or name a function');
}
