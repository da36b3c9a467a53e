import { createHash } from 'node:crypto';

/** The longest tool name that model providers accept. */
export const MAX_TOOL_NAME = 64;

const SHORT_FORM = /-[a-z2-7]{10}$/;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The name under which clients see a tool: `<client name>-<tool>` (decision D11). A longer name becomes its first 53
 * characters, "-" and a hash of all of it, which is the same on every node. So that no tool can pass for the short form of
 * another, a name that already looks like one is shortened too.
 */
export function publicToolName(client: string, tool: string): string {
  const full = `${client}-${tool}`;
  if (full.length < MAX_TOOL_NAME || (full.length === MAX_TOOL_NAME && !SHORT_FORM.test(full))) return full;
  const digest = createHash('sha256').update(full).digest();
  const hash = Array.from(digest.subarray(0, 10), (byte) => BASE32[byte % 32]).join('');
  return `${full.slice(0, MAX_TOOL_NAME - hash.length - 1)}-${hash}`;
}

/** Tells whether a white list admits a name: `["*"]` all, `[]` none. */
export function admits(list: readonly string[], name: string): boolean {
  return list.includes('*') || list.includes(name);
}
