import { GatewayError } from '../../../lib/errors.ts';
import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asNumber, given, objectOf, without, type Maybe } from '../../../lib/json-value.ts';
import type { NativeEmbeddings, PlanEmbeddings } from '../format.ts';
import { refused } from '../refused.ts';
import { readEmbeddingRequest, writeEmbeddings } from './openai.ts';

/** What models of one kind take and give. */
interface Family {
  readonly name: RegExp;
  readonly textsAtOnce: number;
  /** The field for `dimensions`; undefined: they cannot be chosen. */
  readonly dimensions: string | undefined;
  encode(texts: readonly string[]): JsonObject;
  /** The vectors in an answer, one for each text; undefined where there are none. */
  vectorsIn(body: JsonObject): readonly JsonValue[] | undefined;
}

/** Titan takes one text and gives one vector; version 2 also gives vectors of other types by their names. */
const titan = {
  textsAtOnce: 1,
  encode: ([inputText = '']: readonly string[]): JsonObject => ({ inputText }),
  vectorsIn({ embedding, embeddingsByType }: JsonObject) {
    const vector = Array.isArray(embedding) ? embedding : vectorsByType(embeddingsByType);
    return vector && [vector];
  },
};

/** Cohere wants to know what the texts are for: things to be found, unless the caller says otherwise. */
const cohere = {
  textsAtOnce: 96,
  encode: (texts: readonly string[]): JsonObject => ({ texts: [...texts], input_type: 'search_document' }),
  vectorsIn: ({ embeddings }: JsonObject) => (Array.isArray(embeddings) ? embeddings : vectorsByType(embeddings)),
};

/** Names may stand behind a region ("eu.") and within an ARN. */
const FAMILIES: readonly Family[] = [
  { ...titan, name: /\bamazon\.titan-embed-(?:text-v1|g1-text)/, dimensions: undefined },
  { ...titan, name: /\bamazon\.titan-embed-text-v\d/, dimensions: 'dimensions' },
  { ...cohere, name: /\bcohere\.embed-v\d/, dimensions: 'output_dimension' },
  { ...cohere, name: /\bcohere\.embed-/, dimensions: undefined },
];
const KNOWN = new Set(['model', 'input', 'encoding_format', 'dimensions', 'user', 'stream', 'fallbacks']);
const TOKENS = 'x-amzn-bedrock-input-token-count';

/** OpenAI's embeddings by Bedrock's InvokeModel, whose body is that of the model. */
export const planBedrockEmbeddings: PlanEmbeddings = (fields, names) => {
  const family = names.flatMap((one) => FAMILIES.find(({ name }) => name.test(one)) ?? [])[0];
  if (family === undefined)
    throw refused('model', 'must be one of amazon.titan-embed-text and cohere.embed for embeddings of Bedrock');
  const { texts, format } = readEmbeddingRequest(fields);
  const more = { ...without(fields, KNOWN), ...encodeDimensions(fields.dimensions, family) };
  const batches = Array.from({ length: Math.ceil(texts.length / family.textsAtOnce) }, (_, index) =>
    texts.slice(index * family.textsAtOnce, (index + 1) * family.textsAtOnce),
  );
  return {
    requests: batches.map((batch) => ({ ...family.encode(batch), ...given(more) })),
    usageOf,
    decode(answers, { model }) {
      const vectors = answers.flatMap(({ body }, index) => {
        const found = family.vectorsIn(body);
        if (found !== undefined && found.length === batches[index]?.length) return found;
        throw new GatewayError('provider_bad_reply', 'the provider answered with another number of embeddings');
      });
      return writeEmbeddings({ vectors, format, model, usage: usageOf(answers) });
    },
  };
};

function encodeDimensions(value: Maybe, { dimensions }: Family): JsonObject {
  if (value === undefined || value === null) return {};
  if (dimensions === undefined) throw refused('dimensions', 'cannot be chosen for this model; leave it out');
  return { [dimensions]: value };
}

/** Floats if they are among them, else what there is. */
function vectorsByType(value: Maybe): JsonValue[] | undefined {
  const byType = objectOf(value);
  const found = byType.float ?? Object.values(byType)[0];
  return Array.isArray(found) ? found : undefined;
}

/** Titan counts in its answer; of every model Bedrock says it in a header. */
function usageOf(answers: readonly NativeEmbeddings[]): JsonObject | undefined {
  const counts = answers.map(({ body, headers }) => {
    const told = asNumber(body.inputTextTokenCount);
    return told ?? (headers[TOKENS] === undefined ? undefined : Number(headers[TOKENS]));
  });
  const known = counts.filter((count) => count !== undefined && Number.isFinite(count));
  if (known.length === 0 || known.length < answers.length) return undefined;
  const sum = known.reduce((total: number, count) => total + (count ?? 0), 0);
  return { prompt_tokens: sum, total_tokens: sum };
}
