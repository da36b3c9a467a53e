/** How severe a log line is (RFC 5424), least first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Tells whether a line of this level is at least as severe as the least that is wanted. */
export function isSevereEnough(level: unknown, least: string): boolean {
  return LOG_LEVELS.findIndex((name) => name === level) >= LOG_LEVELS.indexOf(least);
}
