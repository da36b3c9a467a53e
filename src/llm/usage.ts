import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { asObject } from '../lib/json-value.ts';
import type { TokenUsage } from '../store/ledger-rows.ts';
import { completionTokens } from './formats/chat-answer.ts';
import type { CallerFormat } from './formats/format.ts';
import { sizeOf } from './request-size.ts';

/** The tokens of an answer, as its provider counted them; undefined when it says nothing, or nothing that makes sense. */
export function usageOf(format: CallerFormat, answer: JsonObject): TokenUsage | undefined {
  const usage = asObject(answer.usage);
  return usage && READERS[format](usage);
}

/** Characters for which a token is counted where nobody counted better. */
const CHARACTERS = 4;

/** The tokens of a request and an answer of so many characters, for answers whose provider says nothing or that broke off. */
export function estimateUsage(characters: { readonly input: number; readonly output: number }): TokenUsage {
  const prompt_tokens = Math.ceil(characters.input / CHARACTERS);
  const completion_tokens = Math.ceil(characters.output / CHARACTERS);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_read_tokens: 0,
    cached_write_tokens: 0,
    reasoning_tokens: 0,
    is_estimate: true,
  };
}

/**
 * The usage of an answer in any case: what the provider says, else an estimate. An answer that broke off may have been counted
 * before it was complete, so that what came of it counts too.
 */
export function usageOrEstimate(
  format: CallerFormat,
  answer: JsonObject,
  { request, isBroken = false }: { readonly request: Buffer; readonly isBroken?: boolean },
): TokenUsage {
  const told = usageOf(format, answer);
  // Where a format demands a count, one of nothing stands for none.
  const isTold = told !== undefined && told.total_tokens > 0;
  if (isTold && !isBroken) return told;
  const estimate = estimateUsage({ input: sizeOf(request), output: charactersOf(answer) });
  if (!isTold) return estimate;
  if (told.completion_tokens >= estimate.completion_tokens) return told;
  const { completion_tokens } = estimate;
  return { ...told, completion_tokens, total_tokens: told.prompt_tokens + completion_tokens, is_estimate: true };
}

/** What a model says or calls with; all else in an answer is form. */
const SPOKEN = new Set(['text', 'content', 'arguments', 'input', 'thinking', 'reasoning_content', 'refusal']);

function charactersOf(value: JsonValue | undefined, isSpoken = false): number {
  if (typeof value === 'string') return isSpoken ? value.length : 0;
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Array.isArray(value) ? value.map((entry) => ['', entry] as const) : Object.entries(value);
  return inner.reduce((sum, [name, entry]) => sum + charactersOf(entry, SPOKEN.has(name)), 0);
}

/** The most that a request may use, as far as it says so itself: what is set aside for it before it is sent. */
export function mostUsage({ fields }: { readonly fields: JsonObject }, body: Buffer): TokenUsage {
  const limit =
    countAt(fields, 'max_completion_tokens') ?? countAt(fields, 'max_tokens') ?? countAt(fields, 'max_output_tokens');
  return estimateUsage({ input: sizeOf(body), output: (limit ?? 0) * CHARACTERS });
}

const READERS: Readonly<Record<CallerFormat, (usage: JsonObject) => TokenUsage | undefined>> = {
  chat: readOpenAi,
  responses: readOpenAi,
  embeddings: readOpenAi,
  messages: readAnthropic,
};

/** Chat completions speak of prompt and completion, responses of input and output; cached tokens are among those that went in. */
function readOpenAi(usage: JsonObject): TokenUsage | undefined {
  const prompt = countAt(usage, 'prompt_tokens') ?? countAt(usage, 'input_tokens');
  const completion = countAt(usage, 'completion_tokens') ?? countAt(usage, 'output_tokens');
  const total = countAt(usage, 'total_tokens');
  if (prompt === undefined && completion === undefined && total === undefined) return undefined;
  const input = asObject(usage.prompt_tokens_details) ?? asObject(usage.input_tokens_details);
  const output = asObject(usage.completion_tokens_details) ?? asObject(usage.output_tokens_details);
  const prompt_tokens = prompt ?? Math.max((total ?? 0) - (completion ?? 0), 0);
  const reasoning_tokens = countAt(output, 'reasoning_tokens') ?? 0;
  const completion_tokens = completionTokens({
    ...{ prompt: prompt_tokens, total, reasoning: reasoning_tokens },
    completion: completion ?? Math.max((total ?? 0) - prompt_tokens, 0),
  });
  const cached_read_tokens = Math.min(
    countAt(input, 'cached_tokens') ?? countAt(input, 'cached_read_tokens') ?? 0,
    prompt_tokens,
  );
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: total ?? prompt_tokens + completion_tokens,
    cached_read_tokens,
    cached_write_tokens: Math.min(
      countAt(input, 'cache_write_tokens') ?? countAt(input, 'cached_write_tokens') ?? 0,
      prompt_tokens - cached_read_tokens,
    ),
    reasoning_tokens,
    is_estimate: false,
  };
}

/** Anthropic counts what was read from its cache, or written to it, apart from the other tokens that went in. */
function readAnthropic(usage: JsonObject): TokenUsage | undefined {
  const [input, output] = [countAt(usage, 'input_tokens'), countAt(usage, 'output_tokens')];
  if (input === undefined && output === undefined) return undefined;
  const cached_read_tokens = countAt(usage, 'cache_read_input_tokens') ?? 0;
  const cached_write_tokens = countAt(usage, 'cache_creation_input_tokens') ?? 0;
  const prompt_tokens = (input ?? 0) + cached_read_tokens + cached_write_tokens;
  const completion_tokens = output ?? 0;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_read_tokens,
    cached_write_tokens,
    reasoning_tokens: countAt(asObject(usage.output_tokens_details), 'thinking_tokens') ?? 0,
    is_estimate: false,
  };
}

/** More than any answer takes; sums of such numbers are still exact. */
const MAX_COUNT = 1e12;

/** A provider may send anything; budgets need whole numbers that are not negative. */
function countAt(value: JsonObject | undefined, name: string): number | undefined {
  const count = value?.[name];
  return typeof count === 'number' && count >= 0 && count <= MAX_COUNT ? Math.round(count) : undefined;
}
