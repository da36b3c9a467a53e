import type { JsonObject } from '../../../lib/json-rpc.ts';
import { defined, objectOf, objectsOf, textOf } from '../../../lib/json-value.ts';
import { sealThoughts } from './thought-item.ts';

/** How far an item has come. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** Text in an item `message`. */
export interface SaidText {
  readonly text: string;
  /** As a chat message has them. */
  readonly annotations: readonly JsonObject[];
  readonly logprobs: readonly JsonObject[];
}

/** An item `message` with its parts. */
export function messageItem(id: string, status: ItemStatus, content: JsonObject[]): JsonObject {
  return { id, type: 'message', status, role: 'assistant', content };
}

/** The part of a message that is its text. */
export function textPart({ text, annotations, logprobs }: SaidText): JsonObject {
  return { type: 'output_text', text, annotations: annotations.map(flatten), logprobs: [...logprobs] };
}

/** The part of a message that says why there is none. */
export function refusalPart(refusal: string): JsonObject {
  return { type: 'refusal', refusal };
}

/** An annotation carries its members itself here; in chat completions they are below the name of its type. */
function flatten(annotation: JsonObject): JsonObject {
  const type = textOf(annotation.type);
  return { type, ...objectOf(annotation[type]) };
}

/** An item `function_call`; what the provider wants back with a call stays beside it. */
export function callItem(
  status: ItemStatus,
  { id, name, text, call }: { id: string; name: string; text: string; call: JsonObject },
): JsonObject {
  const item = { id: `fc_${id}`, type: 'function_call', status, arguments: text, call_id: id, name };
  return defined({ ...item, extra_content: call.extra_content });
}

/** An item `reasoning`: what may be read of the thoughts, and if the caller keeps them, all of them. */
export function thoughtItem(
  id: string,
  texts: readonly string[],
  sealed: readonly JsonObject[] | undefined,
): JsonObject {
  const encrypted_content = sealed === undefined || sealed.length === 0 ? undefined : sealThoughts(sealed);
  return defined({ id, type: 'reasoning', summary: texts.map(summaryPart), encrypted_content });
}

/** A piece of the summary of thoughts. */
export function summaryPart(text: string): JsonObject {
  return { type: 'summary_text', text };
}

/** The entries of `reasoning_details`, or the readable text of thoughts as one. */
export function detailsOf(message: JsonObject, readable: string | undefined): JsonObject[] {
  const details = objectsOf(message.reasoning_details);
  return details.length > 0 || readable === undefined ? details : [{ type: 'reasoning.text', text: readable }];
}
