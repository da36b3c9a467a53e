/** The three forms of a date (RFC 9110, 5.6.7) begin with the day of the week; only asctime's does not say that it is GMT. */
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;
const HAS_ZONE = /GMT$/;

/**
 * The seconds to wait that a `Retry-After` asks for (RFC 9110, 10.2.3), as a number or as a date. Undefined where there is none that
 * can be read, and when its time has come.
 */
export function readRetryAfter(field: string | readonly string[] | undefined, now = Date.now()): number | undefined {
  const text = String(field ?? '').trim();
  const seconds = DATE.test(text) ? (dateOf(text) - now) / 1_000 : Number(text);
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : undefined;
}

function dateOf(text: string): number {
  return Date.parse(HAS_ZONE.test(text) ? text : `${text} GMT`);
}
