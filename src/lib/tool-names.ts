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
  return withHash(full, full);
}

/**
 * The name under which a model knows a tool: what clients see, but for letters that providers refuse in names, such as the dots that
 * MCP allows. In their place stands "_", and a hash tells the tool from others.
 */
export function modelToolName(name: string): string {
  const plain = plainToolName(name);
  return plain === name ? name : withHash(plain, name);
}

/** A name without letters that providers refuse; others may become the same. */
export function plainToolName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, '_');
}

/** Whether a name may be that of {@link modelToolName}. */
export function hasHash(name: string): boolean {
  return SHORT_FORM.test(name);
}

function withHash(shown: string, whole: string): string {
  const digest = createHash('sha256').update(whole).digest();
  const hash = Array.from(digest.subarray(0, 10), (byte) => BASE32[byte % 32]).join('');
  return `${shown.slice(0, MAX_TOOL_NAME - hash.length - 1)}-${hash}`;
}

/** Tells whether a white list admits a name: `["*"]` all, `[]` none. */
export function admits(list: readonly string[], name: string): boolean {
  return list.includes('*') || list.includes(name);
}
