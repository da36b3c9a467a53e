import type { ProviderKey } from '../../store/providers.ts';
import type { CallerFormat, PlanEmbeddings, ProviderCodec } from '../formats/format.ts';

/** One request to a provider, as far as address and credentials depend on it. */
export interface ProviderCall {
  /**
   * The format of `body`: one of the provider's own `formats`, `codec` for what its codec has written, or `count_tokens` for a
   * request in messages that is only to be counted.
   */
  readonly format: CallerFormat | 'codec' | 'count_tokens';
  /** The model or deployment as the provider names it. */
  readonly model: string;
  readonly isStream: boolean;
  readonly body: Buffer;
  readonly key: ProviderKey;
  /** `network_config.base_url` without a slash at its end; undefined: the provider's public address. */
  readonly baseUrl: string | undefined;
  /** Replaces the path of this kind of request (`request_path_overrides`). */
  readonly path?: string | undefined;
}

/** Where a request goes, and with which headers (lower-case names, credentials included). */
export interface ProviderRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the gateway must know of a kind of provider: which formats it takes as they come, where, and with which credential. */
export interface Provider {
  /** Formats that are passed through. */
  readonly formats: readonly CallerFormat[];
  /** How chat completions are translated, where `chat` is not among the formats. */
  readonly codec?: ProviderCodec | undefined;
  /** How embeddings are translated, where they are not among the formats but can be had. */
  readonly planEmbeddings?: PlanEmbeddings | undefined;
  /** True for one that takes members of chat completions which OpenAI refuses (`cache_control`, `reasoning_details` …). */
  readonly takesExtensions?: boolean | undefined;
  /** True for one that takes `count_tokens`. */
  readonly countsTokens?: boolean | undefined;
  /**
   * Fields of chat completions that it refuses, and which are left out where the gateway writes the request. Of a caller's own only
   * `stream_options` is, by which clients ask for the usage with every stream; what it does not tell is estimated.
   */
  readonly refuses?: ReadonlySet<string> | undefined;
  /** How a streamed body is cut into events. */
  readonly framing: 'sse' | 'event-stream';
  /** Throws `invalid_request` when the key lacks what this provider needs. */
  address(call: ProviderCall): ProviderRequest | Promise<ProviderRequest>;
  /** The address of the list of models; undefined: the provider has none. */
  modelsAddress?(key: ProviderKey, baseUrl: string | undefined): ProviderRequest | Promise<ProviderRequest>;
}
