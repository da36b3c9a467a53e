import type { OAuthTraceStep } from '../../contract/oauth.ts';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import { parseObject } from '../../lib/json-value.ts';
import { mask } from '../../lib/secret.ts';
import type { Fetch } from './fetch.ts';

/** What an exchange is, for whoever reads the trace. */
export interface TracedStep {
  readonly step: string;
  readonly rule?: string;
  readonly hint?: string;
  /** An answer other than a success is nothing bad here. */
  readonly mayMiss?: boolean;
}

/** Takes down every step of an exchange with an authorization server, secrets masked. */
export interface Trace {
  readonly steps: readonly OAuthTraceStep[];
  note(step: Omit<OAuthTraceStep, 'at'>): void;
  /** Notes the failure and gives the error to throw. */
  fail(
    failure: { readonly step: string; readonly rule?: string; readonly hint?: string },
    message: string,
  ): GatewayError;
  /** One HTTP exchange, bounded in time and size. The body of the answer has been read. */
  fetch(about: TracedStep, url: string, init?: RequestInit): Promise<TracedAnswer>;
}

/** An answer whose body has been read. */
export interface TracedAnswer {
  readonly response: Response;
  readonly text: string;
  /** The server's words for a message: short, printable, without what was sent to it. */
  readonly quote: (words: unknown, limit: number) => string;
}

const TIMEOUT_MS = 30_000;
const MAX_BODY = 512 * 1024;
const MAX_SHOWN = 300;
const MAX_STEPS = 60;
const SECRETS =
  /^(?:code|code_verifier|state|client_secret|client_assertion|refresh_token|access_token|id_token|subject_token|actor_token|assertion|registration_access_token|registration_client_uri|password)$/;

/** Starts a trace; all HTTP goes through the given `fetch`. */
export function createTrace(fetch: Fetch): Trace {
  const steps: OAuthTraceStep[] = [];
  const note = (step: Omit<OAuthTraceStep, 'at'>): void => {
    if (steps.length < MAX_STEPS) steps.push({ at: new Date().toISOString(), ...step });
  };
  return {
    steps,
    note,
    fail({ hint, ...about }, message) {
      note({ ...about, outcome: 'failed', detail: message, ...(hint === undefined ? {} : { hint }) });
      return new GatewayError('upstream_refused', hint === undefined ? message : `${message}. ${hint}`);
    },
    async fetch({ step, rule, hint, mayMiss = false }, url, init = {}) {
      const secrets = new Set<string>();
      const request = showRequest(url, init, secrets);
      const about = { step, request, ...(rule === undefined ? {} : { rule }) };
      try {
        const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
        const text = await readText(response);
        const outcome = response.ok ? 'ok' : mayMiss ? 'skipped' : 'failed';
        const answer = showResponse(response, text, secrets);
        note({ ...about, response: answer, outcome, ...(outcome === 'failed' && hint !== undefined ? { hint } : {}) });
        return {
          response,
          text,
          quote: (words, limit) => printable(hide(typeof words === 'string' ? words : '', secrets), limit),
        };
      } catch (cause) {
        const message = `cannot ask ${new URL(url).origin}: ${hide(messageOf(cause), secrets)}`;
        note({ ...about, outcome: 'failed', detail: message, ...(hint === undefined ? {} : { hint }) });
        if (cause instanceof GatewayError) throw cause;
        throw new GatewayError('upstream_unreachable', message, { cause });
      }
    },
  };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY) throw new Error(`the answer is longer than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function showRequest(url: string, init: RequestInit, secrets: Set<string>): Record<string, unknown> {
  const headers = Object.fromEntries(new Headers(init.headers));
  for (const name of Object.keys(headers)) {
    // What the operator sends along may be secret under any name.
    if (PLAIN_HEADERS.has(name)) continue;
    secrets.add(headers[name] ?? '');
    headers[name] = mask(headers[name] ?? '');
  }
  const shown = { method: init.method ?? 'GET', url: hideQuery(url), headers };
  if (init.body instanceof URLSearchParams)
    return { ...shown, body: maskMembers(Object.fromEntries(init.body), secrets) };
  const body = typeof init.body === 'string' ? parseObject(init.body) : undefined;
  return body === undefined ? shown : { ...shown, body: maskMembers(body, secrets) };
}

const PLAIN_HEADERS = new Set(['accept', 'content-type', 'mcp-protocol-version']);

function showResponse(response: Response, text: string, secrets: Set<string>): Record<string, unknown> {
  const names = ['content-type', 'www-authenticate', 'location', 'retry-after'] as const;
  const headers = Object.fromEntries(
    names.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, hide(value, secrets)]];
    }),
  );
  const object = parseObject(text);
  const body = object === undefined ? text.slice(0, MAX_SHOWN) : maskMembers(object, secrets);
  const shown = JSON.parse(hide(JSON.stringify(body), secrets)) as unknown;
  return { status: response.status, headers, ...(text === '' ? {} : { body: shown }) };
}

function maskMembers(object: Readonly<Record<string, unknown>>, secrets: Set<string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => {
      if (!SECRETS.test(name)) return [name, value];
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      secrets.add(text);
      return [name, mask(text)];
    }),
  );
}

/** A stranger's words, fit for a message. */
export function printable(text: string, limit: number): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, limit);
}

/** Some servers repeat what they were sent in their errors. */
function hide(text: string, secrets: ReadonlySet<string>): string {
  let hidden = text;
  for (const secret of secrets) {
    if (secret.length >= 6) hidden = hidden.replaceAll(secret, () => mask(secret));
  }
  return hidden;
}

function hideQuery(text: string): string {
  const url = new URL(text);
  return url.search === '' ? text : `${url.origin}${url.pathname}?…`;
}
