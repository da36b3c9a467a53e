/** A call of a tool that a model asks for. */
export interface AskedCall {
  readonly id: string;
  readonly name: string;
  /** As the model wrote them: JSON, as a text or not. */
  readonly args: unknown;
}

/** One turn of a conversation with a model. */
export interface Turn {
  readonly role: string;
  readonly text: string;
  readonly calls: readonly AskedCall[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The turns of what was asked or answered, in any of the formats that callers use; undefined for what is none of them, such as
 * text that was cut.
 */
export function turnsOf(value: unknown, role: string): readonly Turn[] | undefined {
  if (typeof value === 'string') return undefined;
  if (Array.isArray(value)) return turnsOfList(value, role);
  if (!isObject(value)) return undefined;
  // What the model was told before anything was said.
  if ('messages' in value && 'instructions' in value) {
    const told: Turn = { role: 'system', text: textIn(value['instructions']), calls: [] };
    return [told, ...(turnsOf(value['messages'], role) ?? [])];
  }
  return [turnOf(value, role)];
}

/** Calls of tools that an answer asks for. */
export function callsOf(answer: unknown): readonly AskedCall[] {
  return (turnsOf(answer, 'assistant') ?? []).flatMap(({ calls }) => calls);
}

function turnsOfList(list: readonly unknown[], role: string): readonly Turn[] | undefined {
  if (list.length === 0 || !list.every(isObject)) return undefined;
  // The answer of the messages format is a list of blocks, not of messages.
  const isBlocks = list.every((entry) => !('role' in entry) && ('text' in entry || entry['type'] === 'tool_use'));
  return isBlocks ? [turnOf({ role, content: list }, role)] : list.map((entry) => turnOf(entry, role));
}

function turnOf(entry: JsonObject, role: string): Turn {
  const { content, tool_calls, type } = entry;
  if (type === 'function_call') return { role: textIn(entry['role']) || role, text: '', calls: [callOf(entry)] };
  if (type === 'function_call_output') return { role: 'tool', text: textIn(entry['output']), calls: [] };
  const asked = [...objectsIn(tool_calls), ...objectsIn(content).filter((block) => block['type'] === 'tool_use')];
  return { role: textIn(entry['role']) || role, text: textIn(content), calls: asked.map(callOf) };
}

function callOf(call: JsonObject): AskedCall {
  const inner = isObject(call['function']) ? call['function'] : call;
  const id = textIn(call['call_id'] ?? call['id']);
  return { id, name: textIn(inner['name']), args: parsed(inner['arguments'] ?? inner['input']) };
}

/** The words of a content: a text, or those of its parts that are texts; what is no text is named. */
function textIn(content: unknown): string {
  if (typeof content === 'string') return content;
  return objectsIn(content)
    .filter(({ type }) => type !== 'tool_use')
    .map((part) => {
      if (typeof part['text'] === 'string') return part['text'];
      return 'content' in part ? textIn(part['content']) : `[${textIn(part['type'])}]`;
    })
    .join('\n');
}

function parsed(args: unknown): unknown {
  if (typeof args !== 'string') return args;
  try {
    return JSON.parse(args);
  } catch {
    return args; // models err
  }
}

function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
