import { TOOL_MODE_HEADER } from '../mcp/tool-mode.ts';
import type { HotRequest } from './hot.ts';

/** Takes `?mode=` of an address for the header that says the same: many clients can be given an address and no headers. */
export function takeToolMode({ url = '', headers }: HotRequest): void {
  const mode = modeIn(url);
  if (mode !== undefined) headers[TOOL_MODE_HEADER] = mode;
}

/** What an address says about how tools are to be listed. */
export function modeIn(url: string): string | undefined {
  const query = url.indexOf('?');
  if (query === -1) return undefined;
  return new URLSearchParams(url.slice(query)).get('mode') ?? undefined;
}
