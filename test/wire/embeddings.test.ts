import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json-rpc.ts';
import { planBedrockEmbeddings } from '../../src/llm/formats/embeddings/bedrock.ts';
import type { EmbeddingPlan, Facts, NativeEmbeddings } from '../../src/llm/formats/format.ts';

/** A case is a folder: `request.in.json`, and `request.out.json` (all requests) with answers to them, or `request.error.json`. */
const folder = join(import.meta.dirname, 'embeddings');
const FACTS: Facts = { id: 'id-of-the-gateway', created: 1_767_225_600, model: 'model-of-the-caller' };

function plan(fields: JsonObject & { readonly model: string }): EmbeddingPlan {
  return planBedrockEmbeddings(fields, [fields.model]);
}

describe.each(readdirSync(folder))('%s', (name) => {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
  const request = read('request.in.json') as JsonObject & { model: string };

  if (existsSync(join(folder, name, 'request.error.json')))
    test('is refused by the name of its field', () => {
      const { code, message, details } = read('request.error.json') as JsonObject;
      expect(() => plan(request)).toThrow(expect.objectContaining({ code, message, details }));
    });
  else
    test('becomes what the model takes, and its answers one list', () => {
      const planned = plan(request);
      expect(planned.requests).toEqual(read('request.out.json'));
      const answer = planned.decode(read('response.in.json') as NativeEmbeddings[], FACTS);
      expect(answer).toEqual(read('response.out.json'));
      expect(Object.hasOwn(answer, 'usage')).toBe(Object.hasOwn(read('response.out.json') as JsonObject, 'usage'));
    });
});

const TITAN = 'amazon.titan-embed-text-v2:0';

test('the name at the provider says more than the one it was asked for by, where it says anything', () => {
  const requestsOf = (...names: string[]) => planBedrockEmbeddings({ input: ['a', 'b'] }, names).requests.length;
  expect(requestsOf('cohere.embed-english-v3', TITAN)).toBe(1);
  expect(requestsOf('arn:aws:bedrock:eu-north-1:1:application-inference-profile/abc', TITAN)).toBe(2);
});

test('Cohere gets at most 96 texts at once, and what it answers is in their order', () => {
  const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
  const planned = plan({ model: 'cohere.embed-english-v3', input: texts });
  expect(planned.requests.map(({ texts: some }) => (some as string[]).length)).toEqual([96, 96, 8]);
  const answers = planned.requests.map(({ texts: some }) => ({
    headers: { 'x-amzn-bedrock-input-token-count': '10' },
    body: { embeddings: (some as string[]).map((text) => [Number(text.slice(5))]) },
  }));
  const { data, usage } = planned.decode(answers, FACTS);
  expect((data as { embedding: number[] }[]).flatMap(({ embedding }) => embedding)).toEqual(texts.map((_, at) => at));
  expect(usage).toEqual({ prompt_tokens: 30, total_tokens: 30 });
});

test.each([
  [{ message: 'odd' }],
  [{ embedding: 'AAAA' }],
  [{ embedding: ['1'] }],
  [{ embeddingsByType: {} }],
  [{ embeddingsByType: { float: [null] } }],
])('what is no embedding is not handed on as one: %j', (body) => {
  const planned = plan({ model: TITAN, input: 'a' });
  const decode = () => planned.decode([{ body, headers: {} }], FACTS);
  expect(decode).toThrow(expect.objectContaining({ code: 'provider_bad_reply' }));
});

test('more texts than OpenAI takes are refused', () => {
  const input = Array.from({ length: 2049 }, () => 'a');
  expect(() => plan({ model: TITAN, input })).toThrow('input: must be at most 2048 texts');
});
