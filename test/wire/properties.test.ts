import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GatewayError } from '../../src/lib/errors.ts';
import type { JsonObject, JsonValue } from '../../src/lib/json-rpc.ts';
import { asText, isObject, objectOf, objectsOf } from '../../src/lib/json-value.ts';
import type { Facts } from '../../src/llm/formats/format.ts';
import { messagesCallerCodec } from '../../src/llm/formats/messages/caller-codec.ts';
import { messagesProviderCodec } from '../../src/llm/formats/messages/provider-codec.ts';
import { responsesCallerCodec } from '../../src/llm/formats/responses/caller-codec.ts';
import { anthropicMessage, chatRequest, completion, cut, lengths } from './arbitrary.ts';
import { assembleChunks, assembleMessage } from './assemble.ts';
import { chunksOf, eventsOf, translate } from './streams.ts';
import { chunksFor, streamOf } from './take-apart.ts';

const FACTS: Facts = { id: 'id', created: 1, model: 'm' };
const CALLERS = { 'messages-caller': messagesCallerCodec, 'responses-caller': responsesCallerCodec };

test('what both formats can say survives the way to Anthropic and back', () => {
  fc.assert(
    fc.property(chatRequest, (chat) => {
      expect(messagesCallerCodec.decodeRequest(messagesProviderCodec.encodeRequest(chat))).toEqual(chat);
    }),
  );
});

test('a stream says the same wherever the network cuts it', () => {
  const translators = {
    'messages-provider': (pieces: Buffer[]) =>
      translate(messagesProviderCodec.decodeStream(FACTS), eventsOf(...pieces)),
    'messages-caller': (pieces: Buffer[]) =>
      translate(messagesCallerCodec.encodeStream({}, FACTS), chunksOf(...pieces)),
    'responses-caller': (pieces: Buffer[]) =>
      translate(responsesCallerCodec.encodeStream({}, FACTS), chunksOf(...pieces)),
  };
  for (const [format, run] of Object.entries(translators)) {
    const files = globSync(`${format}/*/stream.in.sse`, { cwd: import.meta.dirname });
    expect(files).not.toEqual([]);
    for (const file of files) {
      const body = readFileSync(join(import.meta.dirname, file), 'latin1');
      const whole = run([Buffer.from(body, 'latin1')]);
      const check = (sizes: number[]) => {
        const pieces = cut(body, sizes).map((piece) => Buffer.from(piece, 'latin1'));
        expect(run(pieces)).toEqual(whole);
      };
      fc.assert(fc.property(lengths, check), { numRuns: 10 });
    }
  }
});

test("Anthropic's stream adds up to what its answer says", () => {
  fc.assert(
    fc.property(anthropicMessage, lengths, (message, sizes) => {
      const choice = objectsOf(messagesProviderCodec.decodeResponse(message, FACTS).choices)[0];
      const answer = messagesProviderCodec.decodeResponse(message, FACTS);
      const streamed = assembleChunks(translate(messagesProviderCodec.decodeStream(FACTS), streamOf(message, sizes)));
      const { content, reasoning, tool_calls, reasoning_details } = objectOf(choice?.message);
      expect(streamed).toEqual({
        message: { role: 'assistant', content: content ?? '', ...(reasoning === undefined ? {} : { reasoning }) },
        calls: tool_calls ?? [],
        details: reasoning_details ?? [],
        finish_reason: choice?.finish_reason,
        usage: answer.usage,
      });
    }),
  );
});

test('a stream for callers of Anthropic adds up to what the whole answer says', () => {
  fc.assert(
    fc.property(completion, lengths, (chat, sizes) => {
      const events = translate(messagesCallerCodec.encodeStream({}, FACTS), chunksFor(chat, sizes));
      const { usage, ...message } = messagesCallerCodec.encodeResponse(chat, {}, FACTS);
      expect(assembleMessage(events)).toEqual({ ...message, usage });
      expect(events.at(-1)?.event).toBe('message_stop');
    }),
  );
});

test('a stream for callers of responses ends with what the whole answer says, and its numbers rise by one', () => {
  const request = { include: ['reasoning.encrypted_content'] };
  fc.assert(
    fc.property(completion, lengths, (chat, sizes) => {
      const events = translate(responsesCallerCodec.encodeStream(request, FACTS), chunksFor(chat, sizes));
      expect(events.at(-1)?.event).toBe('response.completed');
      expect(events.at(-1)?.data.response).toEqual(responsesCallerCodec.encodeResponse(chat, request, FACTS));
      expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index));
      const said = (type: string) => events.filter(({ event }) => event === type);
      const pieces = said('response.output_text.delta').map(({ data }) => asText(data.delta));
      expect(pieces.join('')).toBe(
        said('response.output_text.done')
          .map(({ data }) => asText(data.text))
          .join(''),
      );
      expect(said('response.output_item.done')).toHaveLength(said('response.output_item.added').length);
    }),
  );
});

test('fields that nobody knows harm nothing, and those of the request itself are handed on', () => {
  const codecs = {
    'messages-provider': messagesProviderCodec.encodeRequest,
    'messages-caller': messagesCallerCodec.decodeRequest,
    'responses-caller': responsesCallerCodec.decodeRequest,
  };
  for (const [format, translateRequest] of Object.entries(codecs)) {
    const files = globSync(`${format}/*/request.out.json`, { cwd: import.meta.dirname });
    expect(files).not.toEqual([]);
    for (const file of files) {
      const request = JSON.parse(
        readFileSync(join(import.meta.dirname, file.replace('.out.', '.in.')), 'utf8'),
      ) as JsonObject;
      fc.assert(
        fc.property(fc.jsonValue({ maxDepth: 2 }), (strange) => {
          const out = translateRequest(addEverywhere(request, strange));
          if (strange !== null) expect(out.x_strange).toEqual(strange);
        }),
        { numRuns: 5 },
      );
    }
  }
});

test('whatever arrives, a request is refused in words and an answer is never a fault', () => {
  const word = fc.constantFrom(
    'messages',
    'content',
    'role',
    'user',
    'assistant',
    'tool',
    'type',
    'text',
    'tool_calls',
    'function',
    'input',
    'tools',
    'system',
    'choices',
    'delta',
    'message',
    'usage',
    'reasoning',
    'reasoning_details',
    'function_call',
    'tool_use',
    'tool_result',
    'image_url',
    'source',
    'index',
    'name',
    'arguments',
  );
  const { thing } = fc.letrec<{ thing: JsonValue }>((tie) => ({
    thing: fc.oneof(
      { maxDepth: 4 },
      word,
      fc.constantFrom(null, true, 0, -1, ''),
      fc.array(tie('thing'), { maxLength: 3 }),
      fc.dictionary(word, tie('thing'), { maxKeys: 5 }),
    ),
  }));
  const object = fc.dictionary(word, thing, { maxKeys: 6 }) as fc.Arbitrary<JsonObject>;
  const requests = [
    messagesProviderCodec.encodeRequest,
    messagesCallerCodec.decodeRequest,
    responsesCallerCodec.decodeRequest,
  ];
  const type = fc.constantFrom(
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
    'error',
  );
  fc.assert(
    fc.property(object, fc.array(fc.tuple(type, object)), (given, events) => {
      for (const translateRequest of requests)
        expect(refusalOf(() => translateRequest(given))).toBeOneOf([undefined, 'invalid_request']);
      messagesProviderCodec.decodeResponse(given, FACTS);
      messagesProviderCodec.decodeError(given);
      translate(
        messagesProviderCodec.decodeStream(FACTS),
        events.map(([type, data]) => ({ event: type, data: { ...data, type } })),
      );
      for (const codec of Object.values(CALLERS)) {
        codec.encodeResponse(given, given, FACTS);
        translate(codec.encodeStream(given, FACTS), [given, ...events.map(([, data]) => data)]);
      }
    }),
    { numRuns: 500 },
  );
});

function refusalOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
}

/** The request with a strange member in each of its objects, apart from JSON schemas and arguments, which are the caller's own. */
function addEverywhere(value: JsonObject, strange: JsonValue): JsonObject {
  const own = new Set(['parameters', 'input_schema', 'schema', 'input', 'cache_control', 'metadata']);
  const change = (item: JsonValue | undefined, name: string): JsonValue => {
    if (Array.isArray(item)) return item.map((one) => change(one, name));
    return isObject(item) && !own.has(name) ? addEverywhere(item, strange) : (item ?? null);
  };
  return {
    ...Object.fromEntries(Object.entries(value).map(([name, item]) => [name, change(item, name)])),
    x_strange: strange,
  };
}
