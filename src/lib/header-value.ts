import { isUtf8 } from 'node:buffer';

/** A value that no header can hold travels as `=?base64?…?=`, and so does one that looks like that already. */
export function encodeHeader(value: string): string {
  const isPlain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value);
  const looksEncoded = value.startsWith('=?base64?') && value.endsWith('?=');
  return isPlain && !looksEncoded ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
}

/** Undoes {@link encodeHeader}; without the complete wrapper a value stands for itself. Undefined for a malformed value. */
export function decodeHeader(header: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(header)?.[1];
  if (encoded === undefined) return /^[\t\x20-\x7e]*$/.test(header) ? header : undefined;
  // Node skips what is not base64; only text that comes out again as it went in was well-formed.
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded && isUtf8(bytes) ? bytes.toString() : undefined;
}
