import { Button } from './button.tsx';
import { Input, useTyping } from './field.tsx';
import { Select } from './select.tsx';

/** A time to look at: so long until now, or from one moment to another (RFC 3339). It fits into the URL. */
export interface TimeRange {
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

const SPANS = [
  { value: '15m', label: 'Last 15 minutes', ms: 900_000 },
  { value: '1h', label: 'Last hour', ms: 3_600_000 },
  { value: '24h', label: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', label: 'Last 7 days', ms: 604_800_000 },
  { value: '30d', label: 'Last 30 days', ms: 2_592_000_000 },
] as const;
const DEFAULT = '24h';

/** The moments that a range means right now, for a query. */
export function momentsOf({ last, from, to }: TimeRange, now = Date.now()): { start: string; end: string } {
  if (from !== undefined && to !== undefined) return { start: from, end: to };
  const ms = SPANS.find(({ value }) => value === (last ?? DEFAULT))?.ms ?? 86_400_000;
  return { start: new Date(now - ms).toISOString(), end: new Date(now).toISOString() };
}

/** Picks a time: a span until now, or two moments. Dragging over a plot gives the latter. */
export function TimeRangePicker({ value, onValue }: { value: TimeRange; onValue: (value: TimeRange) => void }) {
  const isFixed = value.from !== undefined && value.to !== undefined;
  const moments = momentsOf(value);
  return (
    <div className="flex flex-wrap items-center gap-2">
      <div className="w-44">
        <Select
          label="Time"
          value={isFixed ? 'fixed' : (value.last ?? DEFAULT)}
          options={[...SPANS, { value: 'fixed', label: 'From … to …' }]}
          onValue={(next) => onValue(next === 'fixed' ? { from: moments.start, to: moments.end } : { last: next })}
        />
      </div>
      {isFixed && (
        <>
          <Moment label="From" value={moments.start} onValue={(from) => onValue({ from, to: moments.end })} />
          <Moment label="To" value={moments.end} onValue={(to) => onValue({ from: moments.start, to })} />
          <Button look="quiet" onClick={() => onValue({ last: DEFAULT })}>
            Back to now
          </Button>
        </>
      )}
    </div>
  );
}

function Moment({ label, value, onValue }: { label: string; value: string; onValue: (value: string) => void }) {
  const typing = useTyping(localText(value), (text) => text !== '' && onValue(new Date(text).toISOString()));
  return (
    <div className="w-52">
      <Input type="datetime-local" aria-label={label} {...typing} />
    </div>
  );
}

/** A moment for a control of dates and times, which wants the time of this place, without a zone. */
export function localText(moment: string): string {
  const date = new Date(moment);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
