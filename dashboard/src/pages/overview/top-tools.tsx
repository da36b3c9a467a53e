import { Link } from '@tanstack/react-router';
import { countText, usdText } from '../../numbers.ts';
import { Section } from '../../ui/page.tsx';
import type { TimeRange } from '../../ui/time-range.tsx';

interface TopToolsProps {
  readonly tools: readonly { readonly tool_name: string; readonly count: number; readonly cost: number }[];
  readonly range: TimeRange;
}

/** The tools that are called most; each leads to its calls. */
export function TopTools({ tools, range }: TopToolsProps) {
  const most = Math.max(1, ...tools.map(({ count }) => count));
  return (
    <Section title="Top tools" text="The ten that are called most.">
      <ol className="flex flex-col gap-2 text-sm">
        {tools.map(({ tool_name, count, cost }) => (
          <li key={tool_name} className="flex flex-col gap-1">
            <div className="flex items-baseline gap-3">
              <Link
                to="/workspace/mcp-logs"
                search={{ ...range, tool: tool_name }}
                className="min-w-0 flex-1 truncate font-medium hover:underline"
              >
                {tool_name}
              </Link>
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
