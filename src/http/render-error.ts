import { randomUUID } from 'node:crypto';
import type { ErrorEnvelope } from '../contract/common.ts';
import { ERRORS, GatewayError, type ErrorCode } from '../lib/errors.ts';
import { authRequiredIn } from '../mcp/personal/auth-required.ts';
import type { JsonRpcError, JsonValue, RequestId } from '../lib/json-rpc.ts';
import type { Logger } from '../lib/logger.ts';

/** An error as the management and inference APIs answer it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorEnvelope;
}

/** An error as `/mcp` answers it. */
export interface RpcErrorMessage {
  readonly jsonrpc: '2.0';
  readonly id: RequestId | null;
  readonly error: JsonRpcError;
}

interface Seen {
  readonly error: GatewayError;
  readonly eventId?: string;
}

/** Writes any thrown value for the management and inference APIs. What is not a GatewayError is logged and shown without details. */
export function renderError(thrown: unknown, logger: Logger): ErrorAnswer {
  const { error, eventId } = look(thrown, logger);
  return {
    status: error.status,
    headers: headersOf(error),
    body: {
      ...(eventId === undefined ? {} : { event_id: eventId }),
      type: error.code,
      is_bifrost_error: false,
      status_code: error.status,
      error: { message: messageFor(error), code: error.code },
      extra_fields: { ...error.details },
    },
  };
}

/** Writes any thrown value as the JSON-RPC answer to request `id`. */
export function renderRpcError(id: RequestId | null, thrown: unknown, logger: Logger): RpcErrorMessage {
  const { error, eventId } = look(thrown, logger);
  const details = error.details as Record<string, JsonValue> | undefined; // details are JSON by the rule of GatewayError
  const data = { code: error.code, ...(eventId === undefined ? {} : { event_id: eventId }), ...details };
  return { jsonrpc: '2.0', id, error: { code: ERRORS[error.code].rpc, message: messageFor(error), data } };
}

/** What the caller reads. A link that only the caller may have is not in the message that logs keep. */
function messageFor(error: GatewayError): string {
  return authRequiredIn(error)?.message ?? error.message;
}

/** Parts of every start and end; a balancer that asks for them asks often. */
const PHASES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['starting', 'shutting_down']);

/** Tells a refusal from a bug. The stack of a bug goes to the log under an id that the caller also gets. */
function look(thrown: unknown, logger: Logger): Seen {
  if (thrown instanceof GatewayError && thrown.code !== 'internal_error') {
    if (thrown.status >= 500 && !PHASES.has(thrown.code)) logger.warn({ err: thrown }, thrown.message);
    return { error: thrown };
  }
  const eventId = randomUUID();
  logger.error({ err: thrown, event_id: eventId }, 'internal error');
  return { error: new GatewayError('internal_error', 'internal error', { cause: thrown }), eventId };
}

function headersOf(error: GatewayError): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  // A server wants more; the credential for the gateway itself was good.
  if (error.status === 401 && error.code !== 'mcp_auth_required') headers['www-authenticate'] = 'Bearer realm="asbru"';
  if (error.status === 405 && typeof error.details?.allow === 'string') headers.allow = error.details.allow;
  if (error.status === 503) headers['retry-after'] = '1';
  if (typeof error.details?.retry_after === 'number') headers['retry-after'] = String(error.details.retry_after);
  return headers;
}
