import { Link } from '@tanstack/react-router';
import type { TimeRange } from '../../ui/time-range.tsx';
import { Shares } from '../logs/shares.tsx';

interface TopToolsProps {
  readonly tools: readonly { readonly tool_name: string; readonly count: number; readonly cost: number }[];
  readonly range: TimeRange;
}

/** The tools that are called most; each leads to its calls. */
export function TopTools({ tools, range }: TopToolsProps) {
  return (
    <Shares
      title="Top tools"
      text="The ten that are called most."
      shares={tools.map(({ tool_name, ...sums }) => ({ name: tool_name, ...sums }))}
      linkTo={(tool) => (
        <Link to="/workspace/mcp-logs" search={{ ...range, tool }} className="truncate hover:underline">
          {tool}
        </Link>
      )}
    />
  );
}
