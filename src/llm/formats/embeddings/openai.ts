import { GatewayError } from '../../../lib/errors.ts';
import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { refused, refuseUnless } from '../refused.ts';

/** How OpenAI writes a vector. */
type VectorFormat = 'float' | 'base64';

/** OpenAI takes no more, and a provider may want a request for each. */
const MAX_TEXTS = 2048;

/** What OpenAI's embeddings ask for, where the provider takes nothing but texts. */
export function readEmbeddingRequest(fields: JsonObject): { texts: readonly string[]; format: VectorFormat } {
  const { input, encoding_format = null, stream } = fields;
  refuseUnless(stream !== true, 'stream', 'embeddings');
  if (encoding_format !== null && encoding_format !== 'float' && encoding_format !== 'base64')
    throw refused('encoding_format', 'must be "float" or "base64"');
  const texts = Array.isArray(input) ? input : [input];
  if (texts.length > MAX_TEXTS) throw refused('input', `must be at most ${MAX_TEXTS} texts`);
  const isList = Array.isArray(input) && typeof input[0] !== 'number';
  return {
    texts: texts.map((text, index) => demandText(text, isList ? `input[${index}]` : 'input')),
    format: encoding_format ?? 'float',
  };
}

function demandText(value: JsonValue | undefined, field: string): string {
  if (typeof value === 'string') return value;
  const isTokens = typeof value === 'number' || (Array.isArray(value) && value.every((one) => typeof one === 'number'));
  const rule = isTokens
    ? 'must be a text: the tokens are those of a model of OpenAI, which this one does not know'
    : 'must be a text';
  throw refused(field, rule);
}

interface Embeddings {
  readonly vectors: readonly JsonValue[];
  readonly format: VectorFormat;
  readonly model: string;
  readonly usage: JsonObject | undefined;
}

/** Vectors as OpenAI answers with them. */
export function writeEmbeddings({ vectors, format, model, usage }: Embeddings): JsonObject {
  const data = vectors.map((vector, index) => {
    const numbers = demandNumbers(vector);
    return { object: 'embedding', index, embedding: format === 'float' ? numbers : packFloats(numbers) };
  });
  return { object: 'list', data, model, ...(usage && { usage }) };
}

function demandNumbers(value: JsonValue): number[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'number')) return value;
  throw new GatewayError('provider_bad_reply', 'the provider answered with an embedding that is no list of numbers');
}

/** Floats of 32 bits, the lowest byte first. */
function packFloats(numbers: readonly number[]): string {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeFloatLE(number, index * 4);
  return bytes.toString('base64');
}
