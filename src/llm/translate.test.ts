import { expect, test } from 'vitest';
import type { JsonObject } from '../lib/json-rpc.ts';
import type { CallerFormat } from './formats/format.ts';
import { openaiProviders } from './providers/openai.ts';
import { readModelRequest } from './request.ts';
import { planTranslation } from './translate.ts';

const MESSAGES = [{ role: 'user', content: 'hi' }];

/** What a provider is sent for a streamed request. */
function asked(provider: string, format: CallerFormat, fields: JsonObject): JsonObject {
  const bytes = Buffer.from(JSON.stringify({ model: `${provider}/m`, stream: true, messages: MESSAGES, ...fields }));
  const kind = openaiProviders[provider];
  if (kind === undefined) throw new Error(`there is no ${provider}`);
  const facts = { id: 'id', created: 1, model: 'm' };
  const body = planTranslation(readModelRequest(format, bytes), bytes, kind, facts).encode('m');
  return JSON.parse(body.toString()) as JsonObject;
}

test.each<[CallerFormat, JsonObject]>([
  ['chat', {}],
  ['messages', { max_tokens: 5 }],
])('a stream is asked for its usage in %s, but not at a provider that refuses to be asked', (format, fields) => {
  expect(asked('groq', format, fields).stream_options).toEqual({ include_usage: true });
  expect(asked('cohere', format, fields)).not.toHaveProperty('stream_options');
});
