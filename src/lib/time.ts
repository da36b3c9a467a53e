import { GatewayError } from './errors.ts';

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // the micro sign, U+00B5
  μs: 1e-3, // the Greek letter, U+03BC
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a duration as config files write it, "1h30m" or a number of nanoseconds, and gives milliseconds. */
export function parseDuration(input: string | number): number {
  if (typeof input === 'number') return input / 1e6;
  const text = input.trim();
  if (text === '0') return 0;
  if (!/^[+-]?(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) {
    throw new GatewayError('invalid_request', `"${input}" is not a duration such as "10m" or "1h30m"`);
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    total += Number(amount) * (MILLISECONDS[unit ?? ''] ?? 0);
  }
  return text.startsWith('-') ? -total : total;
}

/** How long to wait before the next attempt: doubling from 1 s to 30 s, with jitter so that many do not come at once. */
export function backOff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(30_000, 1_000 * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}
