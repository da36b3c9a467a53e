import type { JsonObject } from '../../lib/json-rpc.ts';
import { asWord, isObject, objectOf, objectsOf, textOf } from '../../lib/json-value.ts';
import { readableThought } from './reasoning.ts';

/** What a `chat.completion.chunk` says, whichever provider wrote it. */
export interface ChunkNews {
  readonly id: string | undefined;
  readonly model: string | undefined;
  /** Pieces of thoughts, as entries of `reasoning_details`. */
  readonly thoughts: JsonObject[];
  readonly text: string;
  readonly refusal: string;
  readonly annotations: JsonObject[];
  readonly logprobs: JsonObject[];
  readonly calls: JsonObject[];
  /** The choice that says why it ended. */
  readonly ending: JsonObject | undefined;
  readonly usage: JsonObject | undefined;
  readonly tier: JsonObject[string];
  readonly error: JsonObject | undefined;
}

/** Reads one chunk. Only the first choice counts: the formats this is for know no other. */
export function readChunk(chunk: JsonObject): ChunkNews {
  const choice = objectsOf(chunk.choices).find(({ index }) => index === undefined || index === 0) ?? {};
  const delta = objectOf(choice.delta);
  const details = objectsOf(delta.reasoning_details);
  const thought = readableThought(delta);
  return {
    id: asWord(chunk.id),
    model: asWord(chunk.model),
    thoughts: details.length > 0 || thought === undefined ? details : [{ type: 'reasoning.text', text: thought }],
    text: textOf(delta.content),
    refusal: textOf(delta.refusal),
    annotations: objectsOf(delta.annotations),
    logprobs: objectsOf(objectOf(choice.logprobs).content),
    calls: objectsOf(delta.tool_calls),
    ending: asWord(choice.finish_reason) === undefined ? undefined : choice,
    usage: isObject(chunk.usage) ? chunk.usage : undefined,
    tier: chunk.service_tier,
    error: isObject(chunk.error) ? chunk.error : undefined,
  };
}
