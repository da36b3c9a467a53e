import type { Me } from '../../src/contract/account.ts';
import type { ErrorEnvelope } from '../../src/contract/common.ts';
import type { z } from 'zod';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A refusal of the gateway, or the lack of an answer. */
export class ApiError extends Error {
  /** 0 where the gateway did not answer at all. */
  readonly status: number;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }

  /** What is wrong, by the path of the field that is wrong, such as `headers` or `tools_to_execute[1]`. */
  get fields(): Readonly<Record<string, string>> {
    const { field, fields } = this.details;
    if (Array.isArray(fields)) {
      const faults = fields as { path: string; rule: string }[]; // as http/check-input.ts writes them
      return Object.fromEntries(faults.map(({ path, rule }) => [path, rule]));
    }
    return typeof field === 'string' ? { [field]: this.message.replace(`${field}: `, '') } : {};
  }
}

/** Any thrown value as an ApiError. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError(0, 'dashboard', thrown instanceof Error ? thrown.message : String(thrown));
}

/** What proves to the gateway that its own page asks; asked for when it is first needed. */
let csrfToken: Promise<string> | undefined;

/** Forgets what belongs to the session; call it after signing in or out. */
export function forgetSession(): void {
  csrfToken = undefined;
}

/** One request to the management API, as whoever is signed in. Throws an ApiError for everything but a success. */
export async function request<T>(
  method: Method,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const isPublic = path.startsWith('/api/session/log') || path === '/api/session/setup';
  const proof: Record<string, string> = method === 'GET' || isPublic ? {} : await proofOfPage();
  const init = {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...proof, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  let response = await send(path, init);
  if (response.status === 403 && 'x-csrf-token' in proof) {
    // Another tab may have signed in anew since: then this page has to prove itself anew.
    forgetSession();
    const fresh = await proofOfPage();
    if (fresh['x-csrf-token'] !== proof['x-csrf-token'])
      response = await send(path, { ...init, headers: { ...init.headers, ...fresh } });
  }
  if (response.status === 204) return undefined as T; // as the contract of such a route says
  if (response.ok) return (await response.json()) as T; // the contract of the route, which the caller names
  if (response.status === 401 || response.status === 403) forgetSession();
  throw await readError(response);
}

/** The header that proves to the gateway that its own page asks. */
export async function proofOfPage(): Promise<Record<string, string>> {
  return { 'x-csrf-token': await (csrfToken ??= fetchCsrfToken()) };
}

/** Query parameters without those that are absent or empty. */
export function query(params: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

/** `fetch` that says in words when there is no answer. */
export async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', 'The gateway does not answer. Is it running?');
  }
}

/** The error that an answer holds. */
export async function readError(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { error, extra_fields, type } = JSON.parse(text) as ErrorEnvelope;
    return new ApiError(response.status, error.code ?? type ?? 'error', error.message, extra_fields);
  } catch {
    return new ApiError(response.status, 'error', `The gateway answered ${response.status}: ${text.slice(0, 200)}`);
  }
}

async function fetchCsrfToken(): Promise<string> {
  try {
    return (await request<z.infer<typeof Me>>('GET', '/api/session/me')).csrf_token ?? '';
  } catch (error) {
    forgetSession(); // the next write tries again
    throw error;
  }
}
