let text = '';
let second = 0;

/** The `Date` of a response (RFC 9110, 6.6.1); made once a second. */
export function httpDate(now = Date.now()): string {
  const current = Math.floor(now / 1_000);
  if (current !== second) {
    second = current;
    text = new Date(now).toUTCString();
  }
  return text;
}
