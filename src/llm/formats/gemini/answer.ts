import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asObject, asText, given, objectsOf, textOf, without } from '../../../lib/json-value.ts';
import { writeCompletion, writeToolCall, writeUsage, type FinishReason } from '../chat-answer.ts';
import type { Facts } from '../format.ts';
import { writeDataUrl } from '../media.ts';
import { inventCallId } from './call-ids.ts';

/** What one candidate, or one event of it, says. */
export interface Spoken {
  readonly text: string;
  readonly thoughts: string;
  readonly calls: JsonObject[];
  readonly images: JsonObject[];
  readonly audio: JsonObject | undefined;
  /** Of the text; the signature of a call stands in the call. */
  readonly signature: string | undefined;
  /** Parts for which chat completions have no word. */
  readonly others: JsonObject[];
}

const BLOCKED = new Set([
  'SAFETY',
  'RECITATION',
  'LANGUAGE',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
]);
const PLACED = new Set(['content', 'finishReason', 'finishMessage', 'index', 'logprobsResult']);

/** Gemini's answer as a `chat.completion`. */
export function decodeAnswer(native: JsonObject, facts: Facts): JsonObject {
  const choices = objectsOf(native.candidates).map((candidate, position) => {
    const index = asNumber(candidate.index) ?? position;
    return writeChoice(candidate, index, readParts(candidate, `${facts.id}/${index}`));
  });
  const block = readBlock(native);
  if (choices.length === 0 && block !== undefined) choices.push(writeRefusal(block));
  return writeCompletion(facts, choices, { usage: readUsage(native) });
}

function writeChoice(candidate: JsonObject, index: number, spoken: Spoken): JsonObject {
  const { text, thoughts, calls, images, audio, signature } = spoken;
  const reason = finishReason(candidate, calls.length > 0);
  const isEmpty = text === '' && calls.length === 0;
  const message: JsonObject = {
    role: 'assistant',
    content: text === '' ? null : text,
    refusal: isEmpty && reason === 'content_filter' ? refusalOf(candidate) : null,
    ...given({
      reasoning: thoughts === '' ? undefined : thoughts,
      tool_calls: calls.length === 0 ? undefined : calls,
      images: images.length === 0 ? undefined : images,
      audio,
      extra_content: signature === undefined ? undefined : { google: { thought_signature: signature } },
    }),
  };
  return {
    index,
    message,
    logprobs: readLogprobs(candidate),
    finish_reason: reason ?? 'stop',
    ...candidateExtras(candidate, spoken.others),
  };
}

function writeRefusal({ reason, refusal }: Block): JsonObject {
  const message = { role: 'assistant', content: null, refusal };
  return { index: 0, message, logprobs: null, finish_reason: 'content_filter', native_finish_reason: reason };
}

/** What Gemini says beside the answer: its own reason, sources, ratings. */
export function candidateExtras(candidate: JsonObject, others: JsonObject[]): JsonObject {
  const google = given({ ...without(candidate, PLACED), parts: others.length === 0 ? undefined : others });
  return {
    ...given({
      native_finish_reason: asText(candidate.finishReason),
      extra_content: google === undefined ? undefined : { google },
    }),
  };
}

/** Sorts the parts of a candidate. `answer` names the candidate, `before` is how many calls it has had already. */
export function readParts(candidate: JsonObject, answer: string, before = 0): Spoken {
  let text = '';
  let thoughts = '';
  let signature: string | undefined;
  let audio: JsonObject | undefined;
  const calls: JsonObject[] = [];
  const images: JsonObject[] = [];
  const others: JsonObject[] = [];
  for (const part of objectsOf(asObject(candidate.content)?.parts)) {
    const called = asObject(part.functionCall);
    const inline = asObject(part.inlineData);
    const said = asText(part.text);
    if (called !== undefined) calls.push(readCall(called, part, `${answer}/${before + calls.length}`));
    else if (inline !== undefined && part.thought !== true) {
      const mimeType = asText(inline.mimeType) ?? 'image/png';
      if (mimeType.startsWith('audio/')) audio = { data: textOf(inline.data), format: mimeType };
      else images.push({ ...writeImage(mimeType, textOf(inline.data)), ...signed(part) });
    } else if (said !== undefined && part.thought === true) thoughts += said;
    else if (said !== undefined) text += said;
    else if (Object.keys(part).some((key) => key !== 'thought' && key !== 'thoughtSignature')) others.push(part);
    if (said !== undefined) signature = asText(part.thoughtSignature) ?? signature;
  }
  return { text, thoughts, calls, images, audio, signature, others };
}

function readCall(called: JsonObject, part: JsonObject, position: string): JsonObject {
  const name = textOf(called.name);
  const input = JSON.stringify(called.args ?? {});
  const id = asText(called.id) || inventCallId(position, name, input);
  return { ...writeToolCall(id, name, input), ...signed(part) };
}

/** The signature that a part must have when it comes back, where Google's own chat completions put it. */
function signed(part: JsonObject): JsonObject {
  const signature = asText(part.thoughtSignature);
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };
}

function writeImage(mimeType: string, data: string): JsonObject {
  return { type: 'image_url', image_url: { url: writeDataUrl({ mediaType: mimeType, data }) } };
}

/** Why the candidate ended; undefined while it goes on. */
export function finishReason(candidate: JsonObject, hasCalls: boolean): FinishReason | undefined {
  const reason = asText(candidate.finishReason);
  if (reason === undefined || reason === 'FINISH_REASON_UNSPECIFIED') return undefined;
  if (reason === 'MAX_TOKENS') return 'length';
  if (BLOCKED.has(reason)) return 'content_filter';
  return hasCalls ? 'tool_calls' : 'stop';
}

/** What a candidate that was stopped by a filter says instead of an answer. */
export function refusalOf(candidate: JsonObject): string {
  return asText(candidate.finishMessage) ?? `The provider blocked the answer: ${textOf(candidate.finishReason)}`;
}

/** Why a prompt was blocked. */
export interface Block {
  readonly reason: string;
  /** What to say instead of an answer. */
  readonly refusal: string;
}

/** That the prompt was blocked; undefined when it was not. */
export function readBlock(native: JsonObject): Block | undefined {
  const feedback = asObject(native.promptFeedback);
  const reason = asText(feedback?.blockReason);
  if (reason === undefined) return undefined;
  return { reason, refusal: asText(feedback?.blockReasonMessage) ?? `The provider blocked the prompt: ${reason}` };
}

/** Gemini counts thoughts and the results of its own tools apart; chat completions count them in. */
export function readUsage(native: JsonObject): JsonObject | undefined {
  const usage = asObject(native.usageMetadata);
  if (usage === undefined) return undefined;
  const reasoning = asNumber(usage.thoughtsTokenCount);
  return writeUsage({
    prompt: (asNumber(usage.promptTokenCount) ?? 0) + (asNumber(usage.toolUsePromptTokenCount) ?? 0),
    completion: (asNumber(usage.candidatesTokenCount) ?? 0) + (reasoning ?? 0),
    total: asNumber(usage.totalTokenCount),
    cached: asNumber(usage.cachedContentTokenCount),
    reasoning,
    promptAudio: audioTokens(usage.promptTokensDetails),
    completionAudio: audioTokens(usage.candidatesTokensDetails),
  });
}

function audioTokens(details: JsonObject[string]): number | undefined {
  return asNumber(objectsOf(details).find(({ modality }) => modality === 'AUDIO')?.tokenCount);
}

/** The probabilities of the tokens of a candidate. */
export function readLogprobs(candidate: JsonObject): JsonObject | null {
  const result = asObject(candidate.logprobsResult);
  if (result === undefined) return null;
  const top = objectsOf(result.topCandidates).map(({ candidates }) => objectsOf(candidates).map(writeLogprob));
  const content = objectsOf(result.chosenCandidates).map((chosen, index) => ({
    ...writeLogprob(chosen),
    top_logprobs: top[index] ?? [],
  }));
  return { content, refusal: null };
}

function writeLogprob(candidate: JsonObject): JsonObject {
  const token = textOf(candidate.token);
  return { token, logprob: asNumber(candidate.logProbability) ?? 0, bytes: [...Buffer.from(token)] };
}
