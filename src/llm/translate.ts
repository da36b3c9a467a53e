import { GatewayError } from '../lib/errors.ts';
import { editObject } from '../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { createFramer, dataOf, writeFrame, type Frame } from '../lib/sse-frames.ts';
import { objectOf, objectsIn } from './dialects/dialect.ts';
import { createEventStreamParser } from './formats/event-stream.ts';
import type { CallerCodec, Facts, StreamEvent, StreamTranslator } from './formats/format.ts';
import { messagesCallerCodec } from './formats/messages/caller-codec.ts';
import { responsesCallerCodec } from './formats/responses/caller-codec.ts';
import type { Provider, ProviderCall } from './providers/provider.ts';
import type { ModelRequest } from './request.ts';

/** How one request gets to a provider and its answer back, in the formats that the two speak. */
export interface Translation {
  /** The format in which the provider is asked. */
  readonly format: ProviderCall['format'];
  /** The request for the model by the provider's name. */
  encode(model: string): Buffer;
  /** A whole answer in the caller's format. */
  decodeWhole(bytes: Buffer): Buffer;
  /** A stream in the caller's format. */
  decodeStream(chunks: AsyncIterable<Buffer>): AsyncIterable<readonly Frame[]>;
}

/** The caller's own format is passed through where the provider speaks it; anything else goes by way of chat completions. */
export function planTranslation(request: ModelRequest, bytes: Buffer, provider: Provider, facts: Facts): Translation {
  const { format } = request;
  if (provider.formats.includes(format)) return passThrough(request, bytes);
  const caller = format === 'chat' ? undefined : callerCodecOf(format);
  const chat = (): JsonObject => {
    const fields = parse(bytes);
    const { fallbacks: _, ...rest } = caller === undefined ? fields : caller.decodeRequest(fields);
    return rest;
  };
  const { codec } = provider;
  if (codec === undefined && !provider.formats.includes('chat')) throw unspoken(format);
  return {
    format: codec === undefined ? 'chat' : 'codec',
    encode(model) {
      const asked = { ...chat(), model };
      return Buffer.from(JSON.stringify(codec === undefined ? withUsage(asked) : codec.encodeRequest(asked)));
    },
    decodeWhole(answer) {
      const native = parseAnswer(answer);
      const decoded = codec === undefined ? native : codec.decodeResponse(native, facts);
      return Buffer.from(JSON.stringify(caller?.encodeResponse(decoded, request.fields, facts) ?? decoded));
    },
    async *decodeStream(chunks) {
      const inward = codec?.decodeStream(facts);
      const outward = caller?.encodeStream(request.fields, facts);
      const write = (chunksOut: JsonObject[]): Frame[] =>
        outward === undefined ? chunksOut.map((chunk) => writeFrame(chunk)) : framesOf(outward, chunksOut);
      for await (const events of readEvents(chunks, provider.framing)) {
        const frames = write(inward === undefined ? events.map(({ data }) => data) : pushAll(inward, events));
        if (frames.length > 0) yield frames;
      }
      const rest = write(inward?.end() ?? []);
      const last = outward === undefined ? [DONE] : outward.end().map(({ event, data }) => writeFrame(data, event));
      yield [...rest, ...last];
    },
  };
}

const DONE: Frame = writeFrame('[DONE]');

function callerCodecOf(format: ModelRequest['format']): CallerCodec {
  if (format === 'messages') return messagesCallerCodec;
  if (format === 'responses') return responsesCallerCodec;
  throw unspoken(format);
}

function unspoken(format: string): GatewayError {
  return new GatewayError('invalid_request', `the provider of this model does not offer ${format}`);
}

/** Nothing changes but the name of the model, and what only the gateway reads. */
function passThrough(request: ModelRequest, bytes: Buffer): Translation {
  const { format, fields, isStream } = request;
  const options = objectOf(fields.stream_options);
  const isCounting = format === 'chat' && isStream && options?.include_usage !== true;
  return {
    format,
    encode: (model) =>
      editObject(bytes, {
        model: JSON.stringify(model),
        fallbacks: undefined,
        ...(isCounting && { stream_options: JSON.stringify({ ...options, include_usage: true }) }),
      }),
    decodeWhole: (answer) => answer,
    async *decodeStream(chunks) {
      const framer = createFramer();
      const kept = (frames: Frame[]) => (isCounting ? frames.filter((frame) => !isUsageOnly(frame)) : frames);
      for await (const chunk of chunks) {
        const frames = kept(framer.push(chunk));
        if (frames.length > 0) yield frames;
      }
      const rest = kept(framer.end());
      if (rest.length > 0) yield rest;
    },
  };
}

/** The chunk that comes only because the gateway wants to count: its caller did not ask for it. */
function isUsageOnly(frame: Frame): boolean {
  if (!frame.text.includes('"usage"')) return false;
  const data = dataOf(frame);
  return data !== undefined && objectOf(data.usage) !== undefined && objectsIn(data.choices).length === 0;
}

function withUsage(chat: JsonObject): JsonObject {
  return chat.stream === true
    ? { ...chat, stream_options: { ...objectOf(chat.stream_options), include_usage: true } }
    : chat;
}

function pushAll<From, To>(translator: StreamTranslator<From, To>, items: readonly From[]): To[] {
  return items.flatMap((item) => translator.push(item));
}

function framesOf(outward: StreamTranslator<JsonObject, StreamEvent>, chunks: readonly JsonObject[]): Frame[] {
  return pushAll(outward, chunks).map(({ event, data }) => writeFrame(data, event));
}

async function* readEvents(
  chunks: AsyncIterable<Buffer>,
  framing: Provider['framing'],
): AsyncGenerator<readonly StreamEvent[]> {
  if (framing === 'event-stream') return yield* readBinaryEvents(chunks);
  const framer = createFramer();
  for await (const chunk of chunks) yield eventsIn(framer.push(chunk));
  yield eventsIn(framer.end());
}

async function* readBinaryEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly StreamEvent[]> {
  let events: StreamEvent[] = [];
  const parser = createEventStreamParser((event) => events.push(event));
  for await (const chunk of chunks) {
    parser.push(chunk);
    yield events;
    events = [];
  }
  if (!parser.isComplete)
    throw new GatewayError('provider_bad_reply', 'the stream of the provider ended within a message');
}

function eventsIn(frames: readonly Frame[]): StreamEvent[] {
  return frames.flatMap((frame) => {
    const data = dataOf(frame);
    return data === undefined ? [] : [{ event: frame.event, data }];
  });
}

function parse(bytes: Buffer): JsonObject {
  return JSON.parse(bytes.toString()) as JsonObject; // a request that was read before
}

function parseAnswer(bytes: Buffer): JsonObject {
  let value: JsonValue = null;
  try {
    value = JSON.parse(bytes.toString()) as JsonValue;
  } catch {
    // Said below.
  }
  const object = objectOf(value);
  if (object === undefined)
    throw new GatewayError('provider_bad_reply', 'the provider answered with something that is not a JSON object');
  return object;
}
