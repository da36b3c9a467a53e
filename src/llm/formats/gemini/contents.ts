import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asObject, asText, given, objectsOf, parseObject, textOf, type Maybe } from '../../../lib/json-value.ts';
import { partsOf, partText, imageAddress, callsOf, type ContentPart } from '../chat-message.ts';
import { messagesOf } from '../chat-request.ts';
import { parseDataUrl } from '../media.ts';
import { refused } from '../refused.ts';
import { callId } from './call-ids.ts';
import { isOld } from './model.ts';

/** What the messages of a chat become: who said what, and what the model is told beforehand. */
export interface Contents {
  readonly contents: JsonObject[];
  readonly systemInstruction: JsonObject | undefined;
}

const MIME_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  gif: 'image/gif',
  pdf: 'application/pdf',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  mp4: 'video/mp4',
  webm: 'video/webm',
};

/** Turns the messages of a chat into Gemini's contents. Answers of tools that follow one another become one turn. */
export function encodeContents(chat: JsonObject): Contents {
  const contents: JsonObject[] = [];
  const system: JsonObject[] = [];
  const names = new Map<string, string>();
  const needsSignatures = !isOld(textOf(chat.model));
  let answers: JsonObject[] | undefined;
  for (const { message, field } of messagesOf(chat)) {
    const role = asText(message.role);
    if (role !== 'tool' && role !== 'function') answers = undefined;
    if (role === 'system' || role === 'developer') system.push(...encodeParts(message.content, `${field}.content`));
    else if (role === 'user') contents.push({ role: 'user', parts: encodeParts(message.content, `${field}.content`) });
    else if (role === 'assistant')
      contents.push({ role: 'model', parts: sign(encodeAssistant(message, field, names), needsSignatures) });
    else if (role === 'tool' || role === 'function') {
      if (answers === undefined) contents.push({ role: 'user', parts: (answers = []) });
      answers.push(encodeToolAnswer(message, field, names));
    } else throw refused(`${field}.role`, 'must be system, developer, user, assistant or tool');
  }
  // A turn without parts is an error at Gemini; an assistant that said nothing has nothing to repeat.
  const told = contents.filter(({ parts }) => Array.isArray(parts) && parts.length > 0);
  return { contents: told, systemInstruction: system.length === 0 ? undefined : { parts: system } };
}

function encodeParts(content: Maybe, field: string): JsonObject[] {
  return partsOf(content, field).map(encodePart);
}

function encodePart(part: ContentPart): JsonObject {
  const text = partText(part);
  if (text !== undefined) return { text };
  switch (part.type) {
    case 'image_url':
      return encodeMedia(imageAddress(part), undefined);
    case 'video_url': {
      const url = asText(asObject(part.part.video_url)?.url);
      if (url === undefined) throw refused(`${part.field}.video_url.url`, 'is missing');
      return encodeMedia(url, undefined);
    }
    case 'input_audio': {
      const audio = asObject(part.part.input_audio);
      return { inlineData: { mimeType: `audio/${asText(audio?.format) ?? 'wav'}`, data: textOf(audio?.data) } };
    }
    case 'file':
      return encodeFile(part);
    default:
      throw refused(`${part.field}.type`, `"${part.type}" cannot be sent to Gemini`);
  }
}

function encodeFile({ part, field }: ContentPart): JsonObject {
  const file = asObject(part.file);
  const mimeType = asText(file?.format) ?? guessMimeType(textOf(file?.filename));
  const address = asText(file?.file_data) ?? asText(file?.file_id);
  if (address === undefined) throw refused(`${field}.file`, 'must have file_data or file_id');
  return encodeMedia(address, mimeType);
}

function encodeMedia(address: string, mimeType: string | undefined): JsonObject {
  const inline = parseDataUrl(address);
  if (inline !== undefined) return { inlineData: { mimeType: inline.mediaType, data: inline.data } };
  return { fileData: { ...given({ mimeType: mimeType ?? guessMimeType(address) }), fileUri: address } };
}

function guessMimeType(address: string): string | undefined {
  const ending = /\.([a-z0-9]+)(?:[?#].*)?$/i.exec(address)?.[1];
  return ending === undefined ? undefined : MIME_TYPES[ending.toLowerCase()];
}

/** Signatures of thoughts go back where they came from: without them Gemini 3 refuses the turn. */
function encodeAssistant(message: JsonObject, field: string, names: Map<string, string>): JsonObject[] {
  const parts = encodeParts(message.content, `${field}.content`);
  for (const [index, image] of objectsOf(message.images).entries()) {
    const part = { field: `${field}.images[${index}]`, type: 'image_url', part: image };
    parts.push({ ...encodePart(part), ...given({ thoughtSignature: signatureOf(image) }) });
  }
  const signature = signatureOf(message);
  if (signature !== undefined) {
    const last = parts.findLastIndex((part) => part.text !== undefined);
    if (last === -1) parts.push({ text: '', thoughtSignature: signature });
    else parts[last] = { ...parts[last], thoughtSignature: signature };
  }
  for (const { id, name, input, call } of callsOf(message, field)) {
    names.set(id, name);
    const thoughtSignature = signatureOf(call);
    parts.push({ functionCall: { ...callId(id), name, args: input }, ...given({ thoughtSignature }) });
  }
  return parts;
}

/**
 * Gemini 3 refuses calls without the signature of a thought. A history that another provider wrote, or a client shortened, has none;
 * for that Google documents this text, on the first call of a turn.
 */
function sign(parts: JsonObject[], isNeeded: boolean): JsonObject[] {
  const first = parts.findIndex((part) => part.functionCall !== undefined);
  if (!isNeeded || first === -1 || parts.some((part) => part.functionCall && part.thoughtSignature)) return parts;
  return parts.with(first, { ...parts[first], thoughtSignature: 'skip_thought_signature_validator' });
}

function signatureOf(object: JsonObject): string | undefined {
  return asText(asObject(asObject(object.extra_content)?.google)?.thought_signature);
}

function encodeToolAnswer(message: JsonObject, field: string, names: ReadonlyMap<string, string>): JsonObject {
  const id = textOf(message.tool_call_id);
  const name = names.get(id) ?? asText(message.name);
  if (name === undefined) throw refused(`${field}.tool_call_id`, 'names no tool call of an earlier message');
  const parts = partsOf(message.content, `${field}.content`);
  const text = parts.flatMap((part) => partText(part) ?? []).join('');
  const media = parts.filter((part) => partText(part) === undefined).map(encodePart);
  // Long numbers, such as ids, would not survive being parsed.
  const response = (/\d{16}/.test(text) ? undefined : parseObject(text)) ?? { output: text };
  return { functionResponse: { ...callId(id), name, response, ...(media.length === 0 ? {} : { parts: media }) } };
}
