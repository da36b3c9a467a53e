import { GatewayError } from '../lib/errors.ts';
import { editObject, type MemberChanges } from '../lib/json-edit.ts';
import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { asObject, asWord, defined, objectsOf, without } from '../lib/json-value.ts';
import { createFramer, writeFrame, type Frame, type Framer } from '../lib/sse-frames.ts';
import type { TakeFrames, WholeAnswer } from './answer.ts';
import { createChunkReader } from './chunk-reader.ts';
import { createEventStreamParser } from './formats/event-stream.ts';
import type { CallerCodec, Facts, StreamEvent, StreamTranslator } from './formats/format.ts';
import { messagesCallerCodec } from './formats/messages/caller-codec.ts';
import { plainChat } from './formats/plain-chat.ts';
import { responsesCallerCodec } from './formats/responses/caller-codec.ts';
import { demandAnswer, demandEvents, demandNoError } from './provider-failure.ts';
import type { Provider, ProviderCall } from './providers/provider.ts';
import type { ModelRequest } from './request.ts';

/** A whole answer as the caller gets it, and what it says. */
export type DecodedAnswer = Pick<WholeAnswer, 'bytes' | 'answer'>;

/** How one request gets to a provider and its answer back, in the formats that the two speak. */
export interface Translation {
  /** The format in which the provider is asked. */
  readonly format: ProviderCall['format'];
  /** The request for the model by the provider's name. */
  encode(model: string): Buffer;
  /** A whole answer in the caller's format. Throws `provider_bad_reply` for what is none. */
  decodeWhole(bytes: Buffer): DecodedAnswer;
  /** A stream in the caller's format. */
  decodeStream(take: TakeFrames, listener: StreamListener): StreamDecoder;
}

/** Hears what a stream says. */
interface StreamListener {
  /** Each event, those too that are not for the caller. */
  readonly onData: (data: JsonObject) => void;
  /** Whether they said that the answer ended, or that it failed. */
  readonly hasEnd: () => boolean;
}

/** Makes frames of the pieces of a stream. A promise holds back the next piece. */
interface StreamDecoder {
  push(chunk: Buffer): void | Promise<void>;
  /** Throws `provider_bad_reply` for a stream that is not complete. */
  end(): void | Promise<void>;
  /** Nobody takes any more: only what was used up to here is still told to the listener. */
  abandon(): void;
}

/** The caller's own format is passed through where the provider speaks it; anything else goes by way of chat completions. */
export function planTranslation(request: ModelRequest, bytes: Buffer, provider: Provider, facts: Facts): Translation {
  const { format } = request;
  if (provider.formats.includes(format)) return passThrough(request, bytes, provider);
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
      return Buffer.from(
        JSON.stringify(
          codec?.encodeRequest(asked) ?? suited(provider.takesExtensions === true ? asked : plainChat(asked), provider),
        ),
      );
    },
    decodeWhole(bytes) {
      const native = readAnswer(bytes);
      const decoded = codec === undefined ? native : codec.decodeResponse(native, facts);
      const answer = caller?.encodeResponse(decoded, request.fields, facts) ?? decoded;
      return { bytes: Buffer.from(JSON.stringify(answer)), answer };
    },
    decodeStream(take, { onData }) {
      const events = createEventReader(provider.framing);
      const inward = codec?.decodeStream(facts);
      const outward = caller?.encodeStream(request.fields, facts);
      const isShown = showsUsage(request);
      let isFinished = false;
      const write = (decoded: readonly JsonObject[]): Frame[] =>
        decoded.flatMap((chunk) => {
          demandNoError(chunk);
          isFinished ||= isEnd(chunk);
          if (outward !== undefined) return toFrames(outward.push(chunk), onData);
          onData(chunk);
          return isShown || !isUsageOnly(chunk) ? [writeFrame(chunk)] : [];
        });
      const decode = (read: readonly StreamEvent[]): readonly JsonObject[] =>
        inward === undefined ? read.map(({ data }) => data) : pushAll(inward, read);
      return {
        push: (chunk) => take(write(decode(events.push(chunk)))),
        async end() {
          await take(write([...decode(events.end()), ...(inward?.end() ?? [])]));
          if (!isFinished) throw brokenOff();
          await take(outward === undefined ? [DONE] : toFrames(outward.end(), onData));
        },
        abandon() {
          const rest = inward?.end() ?? [];
          if (outward === undefined) for (const chunk of rest) onData(chunk);
        },
      };
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
function passThrough(request: ModelRequest, bytes: Buffer, { refuses }: Provider): Translation {
  const { format, fields, isStream } = request;
  const takesOptions = format !== 'chat' || refuses?.has('stream_options') !== true;
  const isAdded = isStream && takesOptions && !showsUsage(request);
  const added = { stream_options: JSON.stringify({ ...asObject(fields.stream_options), include_usage: true }) };
  const changes = isAdded ? added : takesOptions ? {} : { stream_options: undefined };
  return {
    format,
    encode: (model) => asAsked(bytes, model, changes),
    decodeWhole: (bytes) => ({ bytes, answer: readAnswer(bytes) }),
    decodeStream(take, { onData, hasEnd }) {
      const framer = createFramer(format === 'chat' ? createChunkReader() : undefined);
      let isDone = false;
      const read = (frames: Frame[]) =>
        frames.filter(({ text, data }) => {
          if (data === undefined) {
            isDone ||= text.trim() === '[DONE]';
            return true;
          }
          onData(data);
          return !isAdded || !isUsageOnly(data);
        });
      return {
        push: (chunk) => take(read(framer.push(chunk))),
        async end() {
          const rest = read(endOf(framer));
          // Half an event is for nobody: what is said of the fault would become a part of it.
          if (!isDone && !hasEnd()) throw brokenOff();
          await take(rest);
        },
        abandon: () => undefined,
      };
    },
  };
}

/** The bytes of a request with the model by the provider's name, and without what only the gateway reads. */
export function asAsked(bytes: Buffer, model: string, more: MemberChanges = {}): Buffer {
  return editObject(bytes, { model: JSON.stringify(model), fallbacks: undefined, ...more });
}

/** Only callers of chat completions are asked whether they want to see it. */
function showsUsage({ format, fields }: ModelRequest): boolean {
  return format !== 'chat' || asObject(fields.stream_options)?.include_usage === true;
}

/** A chunk that comes only because the gateway wants to count. */
function isUsageOnly({ usage, choices }: JsonObject): boolean {
  return asObject(usage) !== undefined && objectsOf(choices).length === 0;
}

function isEnd({ choices }: JsonObject): boolean {
  return objectsOf(choices).some(({ finish_reason }) => asWord(finish_reason) !== undefined);
}

function brokenOff(): GatewayError {
  return new GatewayError('provider_bad_reply', 'the stream of the provider broke off before the end of its answer');
}

function toFrames(events: readonly StreamEvent[], onData: (data: JsonObject) => void): Frame[] {
  return events.map(({ event, data }) => {
    onData(data);
    return writeFrame(data, event);
  });
}

/** A request that the gateway wrote, without what the provider refuses, and with what makes it tell the usage. */
function suited(chat: JsonObject, { refuses = NONE }: Provider): JsonObject {
  const isAsked = chat.stream === true && !refuses.has('stream_options');
  const stream_options = isAsked ? { ...asObject(chat.stream_options), include_usage: true } : chat.stream_options;
  // The limit has a former name, which all know.
  const limit = chat.max_completion_tokens;
  const former = refuses.has('max_completion_tokens') && limit !== undefined ? { max_tokens: limit } : {};
  return without(defined({ ...chat, ...former, stream_options }), refuses);
}

const NONE: ReadonlySet<string> = new Set();

function pushAll<From, To>(translator: StreamTranslator<From, To>, items: readonly From[]): To[] {
  return items.flatMap((item) => translator.push(item));
}

/** Cuts the pieces of a stream into events. */
interface EventReader {
  push(chunk: Buffer): StreamEvent[];
  end(): StreamEvent[];
}

function createEventReader(framing: Provider['framing']): EventReader {
  if (framing === 'event-stream') return createBinaryReader();
  const framer = createFramer();
  return { push: (chunk) => eventsIn(framer.push(chunk)), end: () => eventsIn(endOf(framer)) };
}

/** What is left of a stream. Throws for what is none. */
function endOf(framer: Framer): Frame[] {
  const rest = framer.end();
  for (const frame of rest) if (frame.text === '') demandEvents(Buffer.from(frame.wire, 'latin1'));
  return rest;
}

function createBinaryReader(): EventReader {
  let events: StreamEvent[] = [];
  const parser = createEventStreamParser((event) => events.push(event));
  return {
    push(chunk) {
      events = [];
      parser.push(chunk);
      return events;
    },
    end() {
      if (parser.isComplete()) return [];
      throw new GatewayError('provider_bad_reply', 'the stream of the provider ended within a message');
    },
  };
}

function eventsIn(frames: readonly Frame[]): StreamEvent[] {
  return frames.flatMap(({ event, data }) => (data === undefined ? [] : [{ event, data }]));
}

function parse(bytes: Buffer): JsonObject {
  return JSON.parse(bytes.toString()) as JsonObject; // a request that was read before
}

function readAnswer(bytes: Buffer): JsonObject {
  const answer = parseAnswer(bytes);
  demandAnswer(answer);
  return answer;
}

/** The JSON object that a provider answered with. Throws `provider_bad_reply`. */
export function parseAnswer(bytes: Buffer): JsonObject {
  let cause: unknown;
  try {
    const object = asObject(JSON.parse(bytes.toString()) as JsonValue);
    if (object !== undefined) return object;
  } catch (error) {
    cause = error;
  }
  const message = 'the provider answered with something that is not a JSON object';
  throw new GatewayError('provider_bad_reply', message, { cause });
}
