import type { CallStart } from '../ledger-rows.ts';

/** What a column can hold. */
export type Value = string | number | null;

/** Characters that are kept of a text: arguments, a result, messages. */
export const MAX_CONTENT = 65_536;
/** An index of PostgreSQL takes 2,704 bytes, and a tool name may be whatever a caller sends. */
const MAX_NAME = 255;
/** Of an error message or a user agent. */
export const MAX_TEXT = 2_000;
const MAX_METADATA = 16_384;

/** Metadata that cannot be written, or is too long to be worth it, is left out. */
export function metadataText(metadata: CallStart['metadata']): string | null {
  if (metadata === undefined) return null;
  try {
    const text = JSON.stringify(metadata);
    return text.length > MAX_METADATA ? null : text;
  } catch {
    return null;
  }
}

/** A name, no longer than an index takes it. */
export const name = (text: string | undefined) => cut(text, MAX_NAME);

/** The beginning of a text. */
export function cut(text: string | undefined, length: number): string | null {
  if (text === undefined) return null;
  return text.length <= length ? text : text.slice(0, length);
}

/** What is not a number must not stop the batch that it is in. */
export function whole(value: number): number {
  return Number.isFinite(value) ? Math.round(value) : 0;
}

/** Milliseconds as whole microseconds. */
export function micros(milliseconds: number): number {
  return whole(milliseconds * 1000);
}
