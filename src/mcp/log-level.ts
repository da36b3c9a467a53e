import type { JsonRpcNotification } from '../lib/json-rpc.ts';

/** How severe a log line is (RFC 5424), least first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Whether one who asked for lines of this level hears this one; one who asked for none hears none. */
export function isLoudEnough({ params }: JsonRpcNotification, level: string | undefined): boolean {
  if (level === undefined) return false;
  return LOG_LEVELS.findIndex((name) => name === params?.level) >= LOG_LEVELS.indexOf(level);
}
