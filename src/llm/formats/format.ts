import type { JsonObject } from '../../lib/json-rpc.ts';

/** A format in which callers ask: OpenAI's chat completions, responses and embeddings, Anthropic's messages. */
export type CallerFormat = 'chat' | 'responses' | 'messages' | 'embeddings';

/** One event of a stream; `event` is the name that stands beside the data, where the format has names. */
export interface StreamEvent {
  readonly event?: string | undefined;
  readonly data: JsonObject;
}

/** What a format wants in an answer and the other side does not say. */
export interface Facts {
  /** Id of the answer. */
  readonly id: string;
  /** Epoch seconds. */
  readonly created: number;
  /** The model as the caller named it. */
  readonly model: string;
}

/** Turns the events of one stream into those of another format; it remembers what came before. */
export interface StreamTranslator<From, To> {
  push(event: From): To[];
  /** The stream is complete, or broke off: what is still to be said. */
  end(): To[];
}

/**
 * Between OpenAI's chat completions and the format of a provider. Pure: the same input gives the same output. What the other
 * format cannot express is an `invalid_request` error that names the field; unknown fields are handed on where there is a place.
 */
export interface ProviderCodec {
  /** A chat completion request, `model` included, as the provider wants it. */
  encodeRequest(chat: JsonObject): JsonObject;
  /** The provider's answer as a `chat.completion`. */
  decodeResponse(native: JsonObject, facts: Facts): JsonObject;
  /** The provider's events as `chat.completion.chunk`s, the last of them with `usage`. */
  decodeStream(facts: Facts): StreamTranslator<StreamEvent, JsonObject>;
  /** What an error body of the provider says. */
  decodeError(native: JsonObject): ProviderError;
}

/** Between chat completions and the format of a caller, for providers that do not speak it themselves. Pure. */
export interface CallerCodec {
  /** The caller's request as a chat completion request, `model`, `stream` and tools included. */
  decodeRequest(native: JsonObject): JsonObject;
  /** A `chat.completion` as the caller expects its answer. `request` is what the caller sent. */
  encodeResponse(chat: JsonObject, request: JsonObject, facts: Facts): JsonObject;
  /** Chunks as the events that the caller expects. Usage comes with the last chunk. */
  encodeStream(request: JsonObject, facts: Facts): StreamTranslator<JsonObject, StreamEvent>;
}

/** An error in the provider's own words. */
export interface ProviderError {
  readonly message: string;
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
  /** What only clients of this very format read. */
  readonly details?: JsonObject | undefined;
}

/** The answer to one of the requests that embeddings take. */
export interface NativeEmbeddings {
  readonly body: JsonObject;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** How OpenAI's embeddings are asked for at a provider with a format of its own. Pure. */
export interface EmbeddingPlan {
  /** The bodies of the requests, in the order of the texts: some models take one text at a time. */
  readonly requests: readonly JsonObject[];
  /** The answers to all of them, in their order, as one list of embeddings. Throws `provider_bad_reply` for what are none. */
  decode(answers: readonly NativeEmbeddings[], facts: Facts): JsonObject;
  /** `usage` of these answers together; undefined where the provider does not say. */
  usageOf(answers: readonly NativeEmbeddings[]): JsonObject | undefined;
}

/**
 * Plans a request for embeddings. `names` are what the model is called: the first that says what it is counts.
 * Throws `invalid_request` for what the provider cannot do.
 */
export type PlanEmbeddings = (fields: JsonObject, names: readonly string[]) => EmbeddingPlan;
