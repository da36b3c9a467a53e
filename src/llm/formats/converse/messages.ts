import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asObject, asText, given, objectsOf, textOf } from '../../../lib/json-value.ts';
import { callsOf } from '../chat-message.ts';
import { messagesOf } from '../chat-request.ts';
import { refused } from '../refused.ts';
import { cachePoint, encodeBlocks } from './blocks.ts';
import { encodeReasoning } from './reasoning.ts';

/** What the messages of a chat become. */
export interface Conversation {
  readonly messages: JsonObject[];
  readonly system: JsonObject[] | undefined;
  /** Names of tools that were called in the conversation. */
  readonly called: ReadonlySet<string>;
}

interface Turn {
  role: 'user' | 'assistant';
  content: JsonObject[];
}

/** Turns the messages of a chat into Converse's, where user and assistant take turns: what one says in a row is one message. */
export function encodeMessages(chat: JsonObject): Conversation {
  const turns: Turn[] = [];
  const system: JsonObject[] = [];
  const called = new Set<string>();
  const say = (role: Turn['role'], content: JsonObject[]): void => {
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) turns.push({ role, content });
  };
  for (const { message, field } of messagesOf(chat)) {
    switch (asText(message.role)) {
      case 'system':
      case 'developer':
        system.push(...encodeBlocks(message.content, `${field}.content`));
        break;
      case 'user':
        say('user', encodeBlocks(message.content, `${field}.content`));
        break;
      case 'assistant': {
        const calls = callsOf(message, field);
        for (const { name } of calls) called.add(name);
        const uses = calls.map(({ id, name, input }) => ({ toolUse: { toolUseId: toolUseId(id), name, input } }));
        say('assistant', [...encodeReasoning(message), ...encodeBlocks(message.content, `${field}.content`), ...uses]);
        break;
      }
      case 'tool':
      case 'function':
        say('user', [encodeToolResult(message, field, textOf(chat.model)), ...cachePoint(message)]);
        break;
      case undefined:
      default:
        throw refused(`${field}.role`, 'must be system, developer, user, assistant or tool');
    }
  }
  nameDocuments(turns.flatMap(({ content }) => content));
  return { messages: turns.map((turn) => ({ ...turn })), system: system.length === 0 ? undefined : system, called };
}

/** Bedrock refuses the status of a result for models other than Claude and Nova. */
const KNOWS_STATUS = /claude|amazon\.nova/;

function encodeToolResult(message: JsonObject, field: string, model: string): JsonObject {
  const id = asText(message.tool_call_id) ?? asText(message.name);
  if (id === undefined) throw refused(`${field}.tool_call_id`, 'is missing');
  // As text even if it is JSON: to parse it would change long numbers. A point to cache at is no part of a result.
  const content = encodeBlocks(message.content, `${field}.content`);
  const status = message.is_error === true && KNOWS_STATUS.test(model) ? 'error' : message.status;
  const result = content.filter((block) => asObject(block.cachePoint) === undefined);
  return { toolResult: { toolUseId: toolUseId(id), content: result, ...given({ status }) } };
}

/** Bedrock refuses two documents of one name, wherever in a conversation they stand. */
function nameDocuments(blocks: readonly JsonObject[]): void {
  const results = blocks.flatMap(({ toolResult }) => objectsOf(asObject(toolResult)?.content));
  const taken = new Set<string>();
  for (const { document } of [...blocks, ...results]) {
    const named = asObject(document);
    if (named === undefined) continue;
    const name = textOf(named.name);
    let free = name;
    for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${name.slice(0, 190)}-${number}`;
    taken.add(free.toLowerCase());
    named.name = free;
  }
}

/** Other providers' ids may hold what Bedrock does not take; calls and results are changed alike. */
function toolUseId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64);
}
