import type { BudgetView, RateLimitView } from '../../../../src/contract/governance.ts';
import { durationText, nextReset, untilText } from '../../reset-time.ts';
import { classes } from '../../ui/classes.ts';

const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 4 });
const numbers = new Intl.NumberFormat('en-US');

interface UsageBarProps {
  /** What is used, for screen readers. */
  readonly label: string;
  readonly used: number;
  readonly max: number;
  /** Such as "$1 of $5 a day". */
  readonly text: string;
  readonly note?: string | undefined;
}

/** How much of a limit is used. The text says the same as the bar. */
export function UsageBar({ label, used, max, text, note }: UsageBarProps) {
  const share = max === 0 ? 1 : Math.min(1, used / max);
  const colour = share >= 1 ? 'bg-bad' : share >= 0.8 ? 'bg-warn' : 'bg-accent';
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <div className="flex flex-wrap justify-between gap-x-3 text-xs">
        <span className="tabular-nums">{text}</span>
        {note !== undefined && <span className="text-muted">{note}</span>}
      </div>
      <div
        role="meter"
        aria-label={label}
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={text}
        className="h-1.5 overflow-hidden rounded-full bg-raised"
      >
        <div className={classes('h-full rounded-full', colour)} style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}

/** What is spent of a budget, and when it starts anew. */
export function BudgetBar({ budget, isShort = false }: { budget: BudgetView; isShort?: boolean }) {
  const { current_usage: used, reset_duration: duration, override_amount: extra = 0 } = budget;
  const max = budget.max_limit + extra;
  const reset = nextReset(budget.last_reset, duration, budget.calendar_aligned);
  return (
    <UsageBar
      label={`Budget per ${durationText(duration)}`}
      used={used}
      max={max}
      text={`${dollars.format(used)} of ${dollars.format(max)} per ${durationText(duration)}`}
      note={isShort ? undefined : `${extra > 0 ? 'overridden, ' : ''}resets ${untilText(reset)}`}
    />
  );
}

/** What is used of the requests and tokens that a limit allows. */
export function RateBars({ limit }: { limit: RateLimitView }) {
  const halves = [
    [
      'requests',
      limit.request_max_limit,
      limit.request_current_usage,
      limit.request_reset_duration,
      limit.request_last_reset,
    ],
    ['tokens', limit.token_max_limit, limit.token_current_usage, limit.token_reset_duration, limit.token_last_reset],
  ] as const;
  return halves.map(([what, max, used, duration, last]) =>
    max === null || duration === null || last === null ? null : (
      <UsageBar
        key={what}
        label={`Limit of ${what}`}
        used={used}
        max={max}
        text={`${numbers.format(used)} of ${numbers.format(max)} ${what} per ${durationText(duration)}`}
        note={`resets ${untilText(nextReset(last, duration))}`}
      />
    ),
  );
}
