/** One number with its name. */
export interface Stat {
  readonly label: string;
  readonly value: string;
  /** What the number leaves out. */
  readonly hint?: string | undefined;
}

/** A row of numbers; on a phone two beside each other. */
export function Stats({ stats }: { stats: readonly Stat[] }) {
  return (
    <dl className="grid grid-cols-2 gap-3 md:auto-cols-fr md:grid-flow-col md:grid-cols-none">
      {stats.map(({ label, value, hint }) => (
        <div key={label} className="rounded-lg border bg-surface px-4 py-2.5 max-md:last:odd:col-span-2">
          <dt className="text-sm text-muted">{label}</dt>
          <dd className="text-base font-semibold tabular-nums">{value}</dd>
          {hint !== undefined && <dd className="text-xs text-muted">{hint}</dd>}
        </div>
      ))}
    </dl>
  );
}
