import { mask } from './secret.ts';

/** Shorter texts appear in any sentence by chance. */
const MIN_LENGTH = 6;
/** Headers of ours that hold no secret, and whose values people want to read in an error. */
const PLAIN = /^(?:accept|content-.*|user-agent|traceparent|tracestate|mcp-.*|last-event-id|host|connection)$/i;

/** What of a request is nobody else's business. */
interface Sent {
  readonly url: URL;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** Masks in a text what a request carried in its headers and its address: servers repeat it in their complaints. */
export function scrub(text: string, { url, headers }: Sent): string {
  const secrets = new Set<string>();
  for (let at = 0; at < headers.length; at += 2) {
    if (!PLAIN.test(headers[at] ?? '')) addHeader(secrets, headers[at + 1] ?? '');
  }
  for (const part of [url.username, url.password, ...url.searchParams.values()]) {
    secrets.add(part).add(decode(part)).add(encodeURIComponent(part));
  }
  return scrubAll(text, secrets);
}

/** Masks texts in a text. */
export function scrubAll(text: string, secrets: Iterable<string>): string {
  // The longest first: one may be part of another.
  const sorted = [...secrets].filter((secret) => secret.length >= MIN_LENGTH).toSorted((a, b) => b.length - a.length);
  return sorted.reduce((clean, secret) => clean.replaceAll(secret, mask(secret)), text);
}

/** The whole value and what follows the scheme ("Bearer x"); of Basic also the name and the password. */
function addHeader(secrets: Set<string>, value: string): void {
  const [, scheme = '', rest = ''] = /^(\S+)\s+(\S.*)$/s.exec(value) ?? [];
  secrets.add(value).add(rest);
  if (scheme.toLowerCase() !== 'basic') return;
  const pair = Buffer.from(rest, 'base64').toString();
  secrets.add(pair).add(pair.slice(pair.indexOf(':') + 1));
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone % in a query
  }
}
