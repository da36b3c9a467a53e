import type { Logger } from '../../lib/logger.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { CallerFormat } from '../../llm/formats/format.ts';
import { renderError } from '../render-error.ts';

/** An error in the shape that callers of one format expect. */
export interface InferenceError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

/** Anthropic's types of errors by HTTP status. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Writes any thrown value for the callers of one format. What a provider said keeps its words, type and code. */
export function renderInferenceError(thrown: unknown, format: CallerFormat, logger: Logger): InferenceError {
  const { status, headers, body } = renderError(thrown, logger);
  const said = providerErrorIn(thrown);
  if (format === 'messages') {
    const type = typeof said?.type === 'string' ? said.type : (ANTHROPIC_TYPES[status] ?? 'api_error');
    const required = body.extra_fields.mcp_auth_required;
    const more = {
      ...(said?.details !== undefined && { details: said.details }),
      ...(required !== undefined && { mcp_auth_required: required as JsonValue }),
    };
    return { status, headers, body: { type: 'error', error: { type, message: body.error.message, ...more } } };
  }
  const { provider_error: _, ...extra_fields } = body.extra_fields;
  const { details: _details, ...own } = said ?? {};
  const error = {
    message: body.error.message,
    type: body.type ?? null,
    param: null,
    code: body.error.code ?? null,
    ...own,
  };
  return { status, headers, body: { ...body, error, extra_fields } as unknown as JsonObject };
}

function providerErrorIn(thrown: unknown): JsonObject | undefined {
  if (!(thrown instanceof GatewayError)) return undefined;
  return thrown.details?.provider_error as JsonObject | undefined; // an object wherever one is made
}
