const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** How many, with every digit. */
export function countText(count: number): string {
  return whole.format(count);
}

/** How many, in the width of an axis. */
export function shortText(count: number): string {
  return short.format(count);
}

/** Milliseconds as people read them: 12 ms, 3.4 s, 5 min. Absent while it runs. */
export function durationText(ms: number | undefined | null): string {
  if (ms === undefined || ms === null) return '–';
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** US dollars; small amounts keep the digits that say something. null: nobody knows. */
export function usdText(usd: number | undefined | null): string {
  if (usd === undefined || usd === null) return 'unknown';
  if (usd === 0) return '$0';
  if (usd < 0.01) return `$${Number(usd.toPrecision(3))}`;
  return `$${usd.toFixed(2)}`;
}

/** A share from 0 to 100. */
export function percentText(percent: number): string {
  return `${Number(percent.toFixed(1))} %`;
}

/** The value below which such a share of the values lies; null where there are none. */
export function percentileOf(values: readonly number[], percent: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}
