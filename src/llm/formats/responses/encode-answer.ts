import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asText, isObject, objectOf, objectsOf, textOf } from '../../../lib/json-value.ts';
import { joinTexts } from '../chat-message.ts';
import type { Facts } from '../format.ts';
import { readableThought, readThoughts } from '../reasoning.ts';
import { callItem, detailsOf, type ItemStatus, messageItem, refusalPart, textPart, thoughtItem } from './items.ts';
import { beginResponse, encodeUsage, endResponse } from './response-object.ts';
import { wantsSealedThoughts } from './thought-item.ts';

/** A `chat.completion` as a response. */
export function encodeAnswer(chat: JsonObject, request: JsonObject, facts: Facts): JsonObject {
  const choice = objectsOf(chat.choices)[0] ?? {};
  const id = asText(chat.id) ?? facts.id;
  const created = asNumber(chat.created) ?? facts.created;
  const ending = endResponse(textOf(choice.finish_reason));
  const head = beginResponse(request, { id, created, model: asText(chat.model) ?? facts.model });
  return {
    ...head,
    ...ending,
    service_tier: chat.service_tier ?? head.service_tier,
    output: encodeOutput(choice, { id, status: ending.status, keepsThoughts: wantsSealedThoughts(request) }),
    usage: encodeUsage(isObject(chat.usage) ? chat.usage : undefined),
  };
}

interface Output {
  readonly id: string;
  readonly status: ItemStatus;
  readonly keepsThoughts: boolean;
}

function encodeOutput(choice: JsonObject, { id, status, keepsThoughts }: Output): JsonObject[] {
  const message = objectOf(choice.message);
  const parts = encodeParts(message, objectsOf(objectOf(choice.logprobs).content));
  const thoughts = encodeThoughts(message, `rs_${id}_0`, keepsThoughts);
  return [
    ...thoughts,
    ...(parts.length === 0 ? [] : [messageItem(`msg_${id}_${thoughts.length}`, status, parts)]),
    ...objectsOf(message.tool_calls).map((call, index) => encodeCall(call, status, fallbackCallId(id, index))),
  ];
}

function encodeThoughts(message: JsonObject, id: string, keepsThoughts: boolean): JsonObject[] {
  const details = detailsOf(message, readableThought(message));
  const thoughts = readThoughts({ reasoning_details: details }, () => true);
  const texts = thoughts.flatMap((thought) => (thought.kind === 'text' && thought.text !== '' ? [thought.text] : []));
  const isSaid = texts.length > 0 || (keepsThoughts && thoughts.length > 0);
  return isSaid ? [thoughtItem(id, texts, keepsThoughts ? details : undefined)] : [];
}

function encodeParts(message: JsonObject, logprobs: JsonObject[]): JsonObject[] {
  const text = joinTexts(message.content);
  const refusal = textOf(message.refusal);
  const annotations = objectsOf(message.annotations);
  return [
    ...(text === '' ? [] : [textPart({ text, annotations, logprobs })]),
    ...(refusal === '' ? [] : [refusalPart(refusal)]),
  ];
}

function encodeCall(call: JsonObject, status: ItemStatus, fallbackId: string): JsonObject {
  const { name, arguments: text } = objectOf(call.function);
  const id = asText(call.id) || fallbackId;
  return callItem(status, { id, name: textOf(name), text: asText(text) || '{}', call });
}

/** The id of a call to which the provider gave none. */
export function fallbackCallId(id: string, index: number): string {
  return `call_${id}_${index}`;
}
