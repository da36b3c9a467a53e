import type { ReactNode } from 'react';
import { countText, usdText } from '../../numbers.ts';
import { Section } from '../../ui/page.tsx';

interface SharesProps {
  readonly title: string;
  readonly text: string;
  readonly shares: readonly { readonly name: string; readonly count: number; readonly cost: number }[];
  /** The link to what a share is made of. */
  readonly linkTo: (name: string) => ReactNode;
}

/** Who has how much of all: a bar, a price and a number for each. */
export function Shares({ title, text, shares, linkTo }: SharesProps) {
  const most = Math.max(1, ...shares.map(({ count }) => count));
  return (
    <Section title={title} text={text}>
      <ol className="flex flex-col gap-2 text-sm">
        {shares.map(({ name, count, cost }) => (
          <li key={name} className="flex flex-col gap-1">
            <div className="flex items-baseline gap-3">
              <span className="flex min-w-0 flex-1 truncate font-medium">{linkTo(name)}</span>
              <span className="text-muted tabular-nums">{usdText(cost)}</span>
              <span className="w-16 text-right tabular-nums">{countText(count)}</span>
            </div>
            <div aria-hidden="true" className="h-1 rounded bg-raised">
              <div className="h-1 rounded bg-accent" style={{ width: `${(count / most) * 100}%` }} />
            </div>
          </li>
        ))}
      </ol>
    </Section>
  );
}
