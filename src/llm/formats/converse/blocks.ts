import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asObject, asText, given, textOf, type Maybe } from '../../../lib/json-value.ts';
import { partsOf, partText, imageAddress, type ContentPart } from '../chat-message.ts';
import { parseDataUrl } from '../media.ts';
import { refused } from '../refused.ts';

/** Formats of documents by MIME type and by the ending of a file name. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md',
};
const IMAGES = new Set(['png', 'jpeg', 'gif', 'webp']);

/** The content of a message as Converse's blocks. Empty texts are left out, since Bedrock refuses them. */
export function encodeBlocks(content: Maybe, field: string): JsonObject[] {
  return partsOf(content, field).flatMap((part) => [...encodeBlock(part), ...cachePoint(part.part)]);
}

/** A cache point after what carries `cache_control`, the way callers of Anthropic's models mark it. */
export function cachePoint(marked: JsonObject): JsonObject[] {
  const control = asObject(marked.cache_control);
  return control === undefined ? [] : [{ cachePoint: { type: 'default', ...given({ ttl: control.ttl }) } }];
}

function encodeBlock(part: ContentPart): JsonObject[] {
  const text = partText(part);
  if (text !== undefined) return text.trim() === '' ? [] : [{ text }];
  switch (part.type) {
    case 'image_url':
      return [encodeImage(imageAddress(part), part.field)];
    case 'input_audio': {
      const audio = asObject(part.part.input_audio);
      return [{ audio: { format: asText(audio?.format) ?? 'wav', source: { bytes: textOf(audio?.data) } } }];
    }
    case 'file':
      return [encodeFile(part)];
    default:
      throw refused(`${part.field}.type`, `"${part.type}" cannot be sent to Bedrock`);
  }
}

function encodeImage(url: string, field: string): JsonObject {
  const inline = parseDataUrl(url);
  if (inline === undefined && !url.startsWith('s3://'))
    throw refused(`${field}.image_url.url`, 'Bedrock fetches no images; send a data: or an s3:// address');
  const named = inline?.mediaType.replace('image/', '') ?? endingOf(url) ?? '';
  const format = named === 'jpg' ? 'jpeg' : named;
  if (!IMAGES.has(format)) throw refused(`${field}.image_url.url`, 'Bedrock takes images as png, jpeg, gif or webp');
  return { image: { format, source: sourceOf(inline?.data, url) } };
}

function encodeFile({ part, field }: ContentPart): JsonObject {
  const file = asObject(part.file);
  const filename = textOf(file?.filename);
  const address = asText(file?.file_data) ?? asText(file?.file_id);
  if (address === undefined) throw refused(`${field}.file`, 'must have file_data');
  const inline = parseDataUrl(address);
  if (inline === undefined && !address.startsWith('s3://'))
    throw refused(`${field}.file`, 'Bedrock keeps no files; send file_data as a data: address');
  if (inline?.mediaType.startsWith('image/') === true) return encodeImage(address, field);
  const ending = endingOf(filename) ?? endingOf(address);
  const format = DOCUMENTS[inline?.mediaType ?? ''] ?? ending ?? 'txt';
  return { document: { format, name: documentName(filename), source: sourceOf(inline?.data, address) } };
}

function sourceOf(bytes: string | undefined, uri: string): JsonObject {
  return bytes === undefined ? { s3Location: { uri } } : { bytes };
}

function endingOf(name: string): string | undefined {
  return /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
}

/** Bedrock takes few characters in the name of a document, and none of it twice in a row when it is white space. */
function documentName(filename: string): string {
  const name = filename
    .replace(/\.[a-z0-9]+$/i, '')
    .replace(/[^A-Za-z0-9\s\-()[\]]/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
  return name === '' ? 'document' : name.slice(0, 200);
}
