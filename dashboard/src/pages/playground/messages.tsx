import { useState } from 'react';
import { Badge } from '../../ui/badge.tsx';
import { CodeBlock, CopyButton } from '../../ui/code-block.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Section } from '../../ui/page.tsx';
import type { Step } from './use-run.ts';

/** Every message of a run, both ways, as it went over the wire. */
export function Messages({ steps }: { steps: readonly Step[] }) {
  const all = steps.map(({ message }) => message);
  return (
    <Section title="Messages" text="What went over /mcp, in both directions.">
      <div>
        <CopyButton text={JSON.stringify(all, undefined, 2)} label="Copy all" />
      </div>
      <ol aria-label="Messages" className="flex flex-col gap-1">
        {steps.map((step, index) => (
          <Message key={index} step={step} />
        ))}
      </ol>
    </Section>
  );
}

function Message({ step: { way, ms, message } }: { step: Step }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li className="min-w-0 rounded-md border">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex w-full min-w-0 items-center gap-2 rounded-md px-2 py-1 text-left hover:bg-raised"
      >
        <Icon name={isOpen ? 'down' : 'right'} />
        <Badge tone={way === 'sent' ? 'accent' : 'plain'}>{way}</Badge>
        <span className="min-w-0 flex-1 truncate font-mono text-sm">{titleOf(message)}</span>
        <span className="shrink-0 text-xs text-muted tabular-nums">{Math.round(ms)} ms</span>
      </button>
      {isOpen && (
        <div className="p-2">
          <CodeBlock label={titleOf(message)} text={JSON.stringify(message, undefined, 2)} />
        </div>
      )}
    </li>
  );
}

function titleOf(message: Step['message']): string {
  if (typeof message['method'] === 'string') return message['method'];
  if (message.error !== undefined) return 'error';
  const { resultType } = (message.result ?? {}) as { resultType?: unknown };
  return typeof resultType === 'string' ? `result: ${resultType}` : 'result';
}
