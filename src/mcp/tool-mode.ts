import { GatewayError } from '../lib/errors.ts';
import type { CallerHeaders } from './relay/forwarded-headers.ts';

/**
 * How a caller wants tools listed: all of them to be called from code, none of them but to be searched for, or one by one; else each
 * server is as it is set.
 */
export type ToolMode = 'code' | 'search' | 'tools';

const MODES: readonly string[] = ['code', 'search', 'tools'] satisfies readonly ToolMode[];

/** Says how tools are to be listed; `/mcp` also takes it as `?mode=`. */
export const TOOL_MODE_HEADER = 'x-asbru-tool-mode';

/** Reads how the caller wants tools listed. */
export function readToolMode(headers: CallerHeaders): ToolMode | undefined {
  const mode = headers[TOOL_MODE_HEADER];
  if (mode === undefined) return undefined;
  if (typeof mode === 'string' && MODES.includes(mode)) return mode as ToolMode; // one of the list
  throw new GatewayError(
    'invalid_request',
    `mode: must be "code", "search" or "tools"; leave ?mode= or ${TOOL_MODE_HEADER} out for none of them`,
  );
}
