import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { AnswerReader } from './answer-reader.ts';
import type { Target } from './link.ts';
import { readRpcError } from './message.ts';

/** A failed exchange as one sentence that says what to do. */
export function explainError(error: unknown, { url }: Target): GatewayError {
  const { code } = error instanceof GatewayError ? error : { code: undefined };
  const because = (code: 'upstream_unreachable' | 'upstream_lost' | 'upstream_bad_reply', sentence: string) =>
    new GatewayError(code, sentence, { cause: error });
  if (code === 'upstream_unreachable') {
    const reason = messageOf(error);
    return /ECONNREFUSED/.test(reason)
      ? because(code, `no gateway at ${url.href}; is it running?`)
      : because(code, `the gateway at ${url.href} cannot be reached; check --url (${reason})`);
  }
  if (code === 'upstream_lost')
    return because(code, 'the connection to the gateway was lost before it answered; the request may have run');
  return error instanceof GatewayError ? error : because('upstream_bad_reply', messageOf(error));
}

/** An answer that carries no MCP message, as one sentence that says what to do. */
export function explainAnswer(reader: AnswerReader, target: Target): GatewayError {
  const { status, type, location } = reader;
  const { href } = target.url;
  const said = saidIn(reader);
  const beside = said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  const bad = (sentence: string) => new GatewayError('upstream_bad_reply', sentence);
  if (status === 401) return refusedKey(target, said);
  if (status === 403) return new GatewayError('forbidden', `the gateway does not allow this (${beside})`);
  if (status === 404 || status === 405) return bad(`there is no MCP endpoint at ${href}; check --url (HTTP ${status})`);
  if (status === 413) return bad(`the message is too large for the gateway (${beside})`);
  if (status === 429 || status === 503) return bad(`the gateway cannot take the request now; try again (${beside})`);
  if (status >= 400) return bad(`the gateway failed (${beside})`);
  if (status >= 300) return bad(`${href} redirects to ${location ?? 'another address'}; use that as --url`);
  if (reader.isStream) return bad('the gateway ended the stream without an answer; the request may have run');
  if (status === 202 || status === 204) return bad(`the gateway gave no answer to the request (HTTP ${status})`);
  return bad(`what answers at ${href} does not speak MCP; check --url (HTTP ${status}, ${type || 'no content type'})`);
}

function refusedKey({ headers }: Target, said: string): GatewayError {
  const hasKey = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization');
  if (!hasKey) return new GatewayError('unauthorized', 'the gateway wants a key; give it with --key or ASBRU_KEY');
  const [reason = ''] = said.split(';'); // what follows speaks of headers, which are our business
  return new GatewayError('unauthorized', `the gateway refused the key; check --key${reason && ` (${reason})`}`);
}

/** The words of a JSON-RPC error, or the beginning of whatever text there is. */
function saidIn(reader: AnswerReader): string {
  const body = reader.body();
  const text = readRpcError(body)?.text ?? body.toString('utf8', 0, 200);
  return text.replaceAll(/\s+/g, ' ').trim();
}
