import { inspect } from 'node:util';

interface ErrorKind {
  /** HTTP status on the management and inference APIs. */
  readonly status: number;
  /** JSON-RPC error code on `/mcp`. */
  readonly rpc: number;
  /** True when the same request may succeed later without a change by the caller. */
  readonly retryable: boolean;
}

/** Every error the gateway itself can answer, and how each wire shows it. Documented in docs/errors.md. */
export const ERRORS = {
  invalid_request: { status: 400, rpc: -32602, retryable: false },
  parse_error: { status: 400, rpc: -32700, retryable: false },
  method_not_found: { status: 404, rpc: -32601, retryable: false },
  header_mismatch: { status: 400, rpc: -32020, retryable: false },
  unsupported_protocol_version: { status: 400, rpc: -32022, retryable: false },
  /** A header that the settings demand (`required_headers`) is absent. */
  missing_required_headers: { status: 400, rpc: -32602, retryable: false },
  unauthorized: { status: 401, rpc: -32001, retryable: false },
  virtual_key_required: { status: 401, rpc: -32001, retryable: false },
  virtual_key_not_found: { status: 401, rpc: -32001, retryable: false },
  /** The server wants a credential of the caller's own; `mcp_auth_required` says what to do. */
  mcp_auth_required: { status: 401, rpc: -32001, retryable: false },
  /** A budget of the virtual key, its team or its customer is spent. */
  budget_exceeded: { status: 402, rpc: -32004, retryable: true },
  forbidden: { status: 403, rpc: -32003, retryable: false },
  /** The address of a server, or one that a server named, leads where the gateway must not connect to. */
  egress_blocked: { status: 403, rpc: -32003, retryable: false },
  /** The virtual key is inactive or has expired. */
  access_blocked: { status: 403, rpc: -32003, retryable: false },
  provider_blocked: { status: 403, rpc: -32003, retryable: false },
  model_blocked: { status: 403, rpc: -32003, retryable: false },
  mcp_tool_blocked: { status: 403, rpc: -32003, retryable: false },
  /** A person has to approve the call first; `approval` says which, and until when. The same call runs once it is approved. */
  approval_required: { status: 403, rpc: -32003, retryable: true },
  /** A person said no to the call. */
  approval_denied: { status: 403, rpc: -32003, retryable: false },
  not_found: { status: 404, rpc: -32602, retryable: false },
  /** The form or link was used before, or its time is over. */
  flow_over: { status: 410, rpc: -32602, retryable: false },
  method_not_allowed: { status: 405, rpc: -32600, retryable: false },
  resource_not_found: { status: 404, rpc: -32602, retryable: false },
  /** The same in the words of the revisions up to 2025-11-25. */
  resource_not_found_legacy: { status: 404, rpc: -32002, retryable: false },
  mcp_client_not_found: { status: 404, rpc: -32602, retryable: false },
  mcp_session_not_found: { status: 404, rpc: -32600, retryable: false },
  mcp_tool_not_found: { status: 400, rpc: -32602, retryable: false },
  wrong_state: { status: 400, rpc: -32603, retryable: false },
  conflict: { status: 409, rpc: -32603, retryable: false },
  /** Both the request limit and the token limit are reached. */
  rate_limited: { status: 429, rpc: -32005, retryable: true },
  /** Too many passwords or tokens were tried, or too many calls of one caller wait for approval. */
  too_many_attempts: { status: 429, rpc: -32005, retryable: true },
  token_limited: { status: 429, rpc: -32005, retryable: true },
  request_limited: { status: 429, rpc: -32005, retryable: true },
  payload_too_large: { status: 413, rpc: -32600, retryable: false },
  unsupported_media_type: { status: 415, rpc: -32600, retryable: false },
  /** An upstream did not accept what an administrator submitted; nothing was stored. */
  upstream_refused: { status: 422, rpc: -32603, retryable: false },
  /** Nothing reached the upstream: no connection, no address, TLS failure. A retry cannot run a call twice. */
  upstream_unreachable: { status: 400, rpc: -32603, retryable: true },
  /** The connection ended after the request was sent: the call may or may not have run. */
  upstream_lost: { status: 400, rpc: -32603, retryable: false },
  /** The upstream forgot our session and ran nothing. */
  upstream_session_expired: { status: 400, rpc: -32603, retryable: true },
  /** The upstream refused our credentials (HTTP 401 or 403). */
  upstream_unauthorized: { status: 400, rpc: -32603, retryable: false },
  /** The upstream answered something that is not MCP. */
  upstream_bad_reply: { status: 400, rpc: -32603, retryable: false },
  upstream_timeout: { status: 400, rpc: -32603, retryable: false },
  /** No configured provider can be asked for that model. */
  model_not_found: { status: 400, rpc: -32602, retryable: false },
  /** A provider of models answered with an error; the status is the provider's own where it is one for callers. */
  provider_error: { status: 502, rpc: -32603, retryable: false },
  provider_unreachable: { status: 502, rpc: -32603, retryable: true },
  /** More requests wait for a provider than its buffer holds. */
  provider_busy: { status: 503, rpc: -32005, retryable: true },
  provider_timeout: { status: 504, rpc: -32603, retryable: true },
  /** A provider of models answered something that is not its format, or broke off in the middle. */
  provider_bad_reply: { status: 502, rpc: -32603, retryable: false },
  /** The provider refused every key that could be used for the model. */
  upstream_credentials_exhausted: { status: 502, rpc: -32603, retryable: false },
  /** The client answered a question of the server with an error. */
  client_refused: { status: 400, rpc: -32603, retryable: false },
  /** The caller gave up; no answer is written. */
  call_cancelled: { status: 499, rpc: -32603, retryable: true },
  /** What the gateway was started with does not fit: config.json, the encryption key. It does not start. */
  invalid_configuration: { status: 500, rpc: -32603, retryable: false },
  /** The chain of audit logs does not hold: a change could not be recorded, so it is not made. */
  audit_trail_altered: { status: 500, rpc: -32603, retryable: false },
  /** The encryption key was rotated under a running gateway: what it would write, nobody could read. */
  encryption_key_changed: { status: 503, rpc: -32603, retryable: false },
  internal_error: { status: 500, rpc: -32603, retryable: false },
  /** The node that kept the session ended while it handled the request: it may or may not have run. */
  node_lost: { status: 502, rpc: -32603, retryable: false },
  /** A node got what was meant for another one. */
  misdirected: { status: 421, rpc: -32603, retryable: true },
  /** For balancers: not everything is loaded yet. */
  starting: { status: 503, rpc: -32603, retryable: true },
  shutting_down: { status: 503, rpc: -32603, retryable: true },
  /** More code is running and waiting than the settings allow. */
  code_busy: { status: 503, rpc: -32005, retryable: true },
  database_unavailable: { status: 503, rpc: -32603, retryable: true },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** An error that a caller may see. Anything else that is thrown is a bug and answered as `internal_error`. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  /** Machine-readable facts for the caller, shown beside the message. Never a secret. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  /** HTTP status: that of the code, unless somebody else's is passed on. */
  readonly status: number;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> | undefined; status?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.status = options.status ?? ERRORS[code].status;
  }
}

/** The message of whatever was thrown, with the causes behind it: "fetch failed: connect ECONNREFUSED 127.0.0.1:9". */
export function messageOf(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error; current !== undefined && current !== null && parts.length < 5;) {
    // A refused connection to a name with several addresses has no text of its own, but one error per address.
    if (current instanceof AggregateError && current.message === '') current = current.errors[0];
    const text =
      current instanceof Error
        ? current.message || current.name
        : typeof current === 'string'
          ? current
          : inspect(current);
    if (text !== '' && !parts.some((part) => part.includes(text))) parts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(': ');
}
