import type { AskedCall, Turn } from '../../turns.ts';
import { turnsOf } from '../../turns.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Content, textWithin } from '../logs/content.tsx';

const TONES: Readonly<Record<string, Tone>> = { assistant: 'accent', user: 'good', tool: 'warn' };

interface ConversationProps {
  readonly title: string;
  readonly value: unknown;
  readonly isCut?: boolean | undefined;
  /** Whose words they are where nothing says so. */
  readonly role: string;
  readonly absent: string;
}

/** What was said to a model or by it, turn by turn; as it was kept where it is no conversation. */
export function Conversation({ title, value, isCut, role, absent }: ConversationProps) {
  const turns = turnsOf(value, role);
  if (turns === undefined) return <Content title={title} value={value} isCut={isCut} absent={absent} />;
  return (
    <section>
      <h3 className="pb-1 text-sm font-semibold">{title}</h3>
      <ol aria-label={title} className="flex flex-col gap-2">
        {turns.map((turn, index) => (
          <TurnItem key={index} turn={turn} />
        ))}
      </ol>
      <details className="pt-2 text-sm">
        <summary className="w-fit cursor-pointer text-muted">As JSON</summary>
        <div className="pt-2">
          <Content title={`${title} as JSON`} value={value} absent="" />
        </div>
      </details>
    </section>
  );
}

function TurnItem({ turn: { role, text, calls } }: { turn: Turn }) {
  return (
    <li className="flex flex-col items-start gap-1.5 rounded-md border px-3 py-2">
      <Badge tone={TONES[role] ?? 'plain'}>{role}</Badge>
      {text !== '' && <p className="text-sm break-words whitespace-pre-wrap">{textWithin(text)}</p>}
      {calls.map((call, index) => (
        <CallItem key={index} call={call} />
      ))}
    </li>
  );
}

function CallItem({ call: { name, args } }: { call: AskedCall }) {
  return (
    <div className="w-full min-w-0">
      <p className="pb-1 text-sm">
        calls <span className="font-mono">{name}</span>
      </p>
      <CodeBlock
        label={`Arguments of ${name}`}
        text={textWithin(typeof args === 'string' ? args : (JSON.stringify(args, undefined, 2) ?? ''))}
      />
    </div>
  );
}
